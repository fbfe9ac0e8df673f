// Package schedule reads a cron expression in a time zone and says when it runs.
//
//	paris, err := schedule.LoadLocation("Europe/Paris")
//	s, err := schedule.Parse("30 2 * * mon-fri", paris)
//	next := s.Next(time.Now())
//	for slot := range s.Slots(from, to) { … }
//	fmt.Println(s.Describe(), s.Warnings(time.Now()))
//
// It reads no clock and does no I/O, except that [LoadLocation] reads the time zone
// database. A [Schedule] never changes, so any number of goroutines may share one.
//
// # Expression
//
// Five fields (minute, hour, day of month, month, day of week), each a list of
// values, ranges and steps, or one of @hourly, @daily, @midnight, @weekly,
// @monthly, @yearly and @annually. Months and weekdays may be their English
// three-letter names; 0 and 7 are both Sunday; "?" means "*"; "5/15" means
// "5-59/15". Letter case does not matter.
//
// When day of month and day of week are both restricted, a day that matches
// either is a day of the schedule. A day field that begins with "*" or "?" is
// not restricted, "*/2" included; then a day must match both fields.
//
// Everything else is an [Error] that names the field and says what to write
// instead: seconds, years, TZ=, @every, @reboot, the letters of other dialects,
// a date that does not exist, a reversed range, a step that is zero or larger
// than the values it steps over. No input makes [Parse] panic.
//
// # Slots
//
// A slot is one whole UTC minute at which the schedule runs. The wall clock of
// a zone is read at whole UTC minutes and its seconds are dropped, which only
// shows where an offset was not a whole number of minutes (local mean time, and
// Monrovia until 1972). A change of offset inside a minute counts from the next
// whole minute.
//
// # Change of clocks
//
// The rule is Debian's. A schedule is fixed when neither its minute nor its hour
// field begins with "*" or "?".
//
//   - Clocks go forward by up to three hours: the slots of a fixed schedule whose
//     wall minutes were left out become one run, at the first minute after the
//     gap. There is still one run if that minute is a slot of its own. The run
//     is marked [Gap].
//   - Clocks go back by up to three hours: a slot of a fixed schedule whose wall
//     minute comes twice runs the first time only. The run is marked [Fold].
//   - Any other schedule runs at every real minute whose wall clock matches: never
//     in a gap, and in both passes of a fold.
//   - A larger change either way is a change of calendar, the same for all
//     schedules: what did not exist does not run (Apia has no 30 December 2011),
//     and what came twice runs twice.
//
// # Search
//
// [Schedule.Next] takes at most 256 steps, each a month or a span between two
// changes of offset. The longest wait that a date alone can ask for, 29 February
// on a given weekday across 2100, needs 40 years and fewer than half of them. What
// the steps do not find is answered with the zero time; a schedule whose every
// slot falls into a gap is the known way to get there. Times from year 1 to year
// 9999 are answered.
package schedule
