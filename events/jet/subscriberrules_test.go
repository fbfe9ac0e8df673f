package jet

import (
	"strings"
	"testing"

	"spool.internal/events"
)

func TestNewSubscriber(t *testing.T) {
	for in, want := range map[events.Subscriber]string{
		{Name: "a", Stream: streamRunEvents}:                                            "spool.run.>",
		{Name: "a", Stream: streamRunEvents, JobID: "j"}:                                "spool.run.*.j.>",
		{Name: "a", Stream: streamRunEvents, JobID: "j", Filter: "spool.run.ended.>"}:   "spool.run.ended.j.>",
		{Name: "a", Stream: streamRunEvents, JobID: "j", Filter: "spool.run.ended.*.>"}: "spool.run.ended.j.>",
		{Name: "a", Stream: streamRunEvents, JobID: "j", Filter: "spool.run.*.j.r"}:     "spool.run.*.j.r",
		{Name: "a", Stream: streamRunEvents, Filter: "spool.run.ended.>"}:               "spool.run.ended.>",
		{Name: "a", Stream: streamResults, JobID: "j"}:                                  "spool.result.j",
		{Name: "a", Stream: streamJobs, JobID: "j", Filter: "spool.job.*"}:              "spool.job.j",
		{Name: "A-b_9", Stream: streamDeadLetters}:                                      "spool.dead.>",
	} {
		got, err := NewSubscriber(in)
		if err != nil || got.Filter != want {
			t.Errorf("%+v: %q, %v; want %q", in, got.Filter, err, want)
		}
	}
	for in, field := range map[events.Subscriber]string{
		{Stream: streamRunEvents}:                                "name",
		{Name: "a.b", Stream: streamRunEvents}:                   "name",
		{Name: "*", Stream: streamRunEvents}:                     "name",
		{Name: strings.Repeat("a", 65), Stream: streamRunEvents}: "name",
		{Name: "a"}:                                                                     "stream",
		{Name: "a", Stream: "KV_TOKENS"}:                                                "stream",
		{Name: "a", Stream: streamTriggers}:                                             "stream",
		{Name: "a", Stream: streamSubscribers}:                                          "stream",
		{Name: "a", Stream: streamRunEvents, Filter: ">"}:                               "filter",
		{Name: "a", Stream: streamRunEvents, Filter: "spool.>"}:                         "filter",
		{Name: "a", Stream: streamRunEvents, Filter: "spool.*.ended.>"}:                 "filter",
		{Name: "a", Stream: streamRunEvents, Filter: "spool.run"}:                       "filter",
		{Name: "a", Stream: streamRunEvents, Filter: "spool.running.x"}:                 "filter",
		{Name: "a", Stream: streamRunEvents, Filter: "spool.run.>.x"}:                   "filter",
		{Name: "a", Stream: streamRunEvents, Filter: "spool.run..x"}:                    "filter",
		{Name: "a", Stream: streamRunEvents, Filter: "spool.run. x"}:                    "filter",
		{Name: "a", Stream: streamRunEvents, Filter: "$KV.TOKENS.>"}:                    "filter",
		{Name: "a", Stream: streamRunEvents, JobID: "j", Filter: "spool.run.ended.k.>"}: "filter",
		{Name: "a", Stream: streamRunEvents, JobID: "j", Filter: "spool.run.ended"}:     "filter",
		{Name: "a", Stream: streamResults, JobID: "*"}:                                  "job_id",
		{Name: "a", Stream: streamResults, JobID: ">"}:                                  "job_id",
		{Name: "a", Stream: streamResults, JobID: "a.b"}:                                "job_id",
	} {
		got, err := NewSubscriber(in)
		if events.CodeOf(err) != events.Invalid || !strings.HasPrefix(err.Error(), field+":") {
			t.Errorf("%+v: %+v, %v; want a fault of %s", in, got, err, field)
		}
	}
}
