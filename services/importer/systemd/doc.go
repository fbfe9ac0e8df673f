// Package systemd imports timers with the services beside them.
//
// A timer with OnCalendar becomes a job for each of its expressions that cron fields can
// say exactly; [Calendar] reads one. A timer that counts from a start (OnBootSec,
// OnUnitActiveSec and their like) has no times of day, and is refused with the nearest
// expression. The command is what ExecStart says, with the steps before and behind it,
// the variables, the working directory and the user of the service.
package systemd
