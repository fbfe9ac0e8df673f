package cron

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/schedule"
)

func indexed(t *testing.T, zone *time.Location) (*index, *journal, *editor) {
	jobs := newIndex(zone, quiet(t))
	j := newJournal()
	j.attach(jobs)
	return jobs, j, newEditor(j.put)
}

func ids(jobs []*job) (all []string) {
	for _, j := range jobs {
		all = append(all, j.id)
	}
	return all
}

func TestTableShowsWhatIsDue(t *testing.T) {
	jobs, _, d := indexed(t, time.UTC)
	d.create(at(0, 0), "c", "*/10 * * * *", options{})
	d.create(at(0, 0), "a", "*/10 * * * *", options{})
	d.create(at(0, 0), "hourly", "@hourly", options{})
	d.create(at(0, 0), "files", "* * * * *", options{spooled: true})
	d.create(at(0, 0), "off", "* * * * *", options{})
	d.disable(at(0, 0), "off")
	d.create(at(0, 0), "gone", "* * * * *", options{})
	d.remove(at(0, 0), "gone")

	minute := events.MinuteOf(at(0, 1))
	v := jobs.view(0, minute-1, minute, "")
	if got := ids(v.changed); len(got) != 5 {
		t.Errorf("changed: %v", got)
	}
	jobs.advance(minute, v.seq)
	if v := jobs.view(v.seq, minute, minute+8, ""); len(v.due)+len(v.changed) != 0 {
		t.Errorf("between slots: due %v, changed %v", ids(v.due), ids(v.changed))
	}
	v = jobs.view(v.seq, minute+8, minute+9, "")
	if got := ids(v.due); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("due at 00:10: %v", got)
	}
	if got := ids(jobs.view(v.seq, minute+8, minute+9, "a").due); !slices.Equal(got, []string{"c"}) {
		t.Errorf("due at 00:10 after a: %v", got)
	}
	jobs.advance(minute+9, v.seq)
	if got := ids(jobs.view(v.seq, minute, minute+9, "").due); len(got) != 3 {
		t.Errorf("after the clock was turned back: %v", got)
	}
	if len(jobs.groups) != 2 {
		t.Errorf("%d groups, want 2: the others have no jobs", len(jobs.groups))
	}
}

// Whatever comes and goes, a group is due no later than its next slot.
func TestTableMissesNothing(t *testing.T) {
	jobs, j, d := indexed(t, time.UTC)
	dice := rand.New(rand.NewPCG(3, 4))
	texts := []string{"* * * * *", "*/3 * * * *", "*/7 * * * *", "5 * * * *", "0 3 * * *", "0 0 29 2 *"}
	for minute := events.MinuteOf(at(0, 0)); minute < events.MinuteOf(at(12, 0)); minute++ {
		id := fmt.Sprint("job-", dice.IntN(40))
		switch _, ok := d.jobs[id]; {
		case !ok:
			d.create(minute.Time(), id, texts[dice.IntN(len(texts))], options{})
		case dice.IntN(3) == 0:
			d.remove(minute.Time(), id)
		case dice.IntN(3) == 0:
			d.disable(minute.Time(), id)
		default:
			d.enable(minute.Time(), id)
		}
		v := jobs.view(j.seq, minute-1, minute, "")
		due := ids(v.due)
		for id, job := range d.jobs {
			p, err := events.ParseParameters(job.Parameters)
			if err != nil {
				t.Fatal(err)
			}
			s, err := schedule.Parse(p.Schedule, time.UTC)
			if err != nil {
				t.Fatal(err)
			}
			_, is := s.Prev(minute.Time(), (minute - 1).Time())
			if is && job.Status == events.Enabled && !slices.Contains(due, id) {
				t.Fatalf("%s: %s (%s) is not due", minute.Time(), id, p.Schedule)
			}
		}
		jobs.advance(minute, v.seq)
	}
}

func TestZones(t *testing.T) {
	paris, err := schedule.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	jobs, _, d := indexed(t, paris)
	d.create(at(0, 0), "default", "30 2 * * *", options{})
	d.create(at(0, 0), "own", "30 2 * * *", options{Timezone: "Asia/Tokyo"})
	for id, want := range map[string]time.Time{"default": at(1, 30), "own": at(17, 30)} {
		if got := jobs.jobs[id].Times.Next(at(0, 0)); !got.Equal(want) {
			t.Errorf("%s runs at %s, want %s", id, got, want)
		}
	}
}

func TestJobThatCannotBeScheduled(t *testing.T) {
	var out bytes.Buffer
	jobs := newIndex(time.UTC, slog.New(slog.NewTextHandler(&out, nil)))
	j := newJournal()
	j.attach(jobs)
	d := newEditor(j.put)
	d.create(at(0, 0), "bad", "* * * * *", options{})
	d.change(at(0, 0), "bad", events.JobUpdated, func(j *events.Job) { j.Parameters = json.RawMessage(`{"schedule":"* * * *"}`) })
	if len(jobs.jobs) != 0 || jobs.due.Len() != 0 || jobs.seq != 2 {
		t.Errorf("the job is in the index: %v", jobs.jobs)
	}
	if s := out.String(); strings.Count(s, "\n") != 1 || !strings.Contains(s, "job_id=bad") {
		t.Errorf("log:\n%s", s)
	}
	d.edit(at(0, 0), "bad", "* * * * *", options{})
	if jobs.due.Len() != 1 {
		t.Error("the job is corrected and not in the index")
	}
}
