package events

import (
	"strings"
	"testing"
)

func TestNewSubscriber(t *testing.T) {
	for in, want := range map[Subscriber]string{
		{Name: "a", Stream: StreamRunEvents}:                                            "spool.run.>",
		{Name: "a", Stream: StreamRunEvents, JobID: "j"}:                                "spool.run.*.j.>",
		{Name: "a", Stream: StreamRunEvents, JobID: "j", Filter: "spool.run.ended.>"}:   "spool.run.ended.j.>",
		{Name: "a", Stream: StreamRunEvents, JobID: "j", Filter: "spool.run.ended.*.>"}: "spool.run.ended.j.>",
		{Name: "a", Stream: StreamRunEvents, JobID: "j", Filter: "spool.run.*.j.r"}:     "spool.run.*.j.r",
		{Name: "a", Stream: StreamRunEvents, Filter: "spool.run.ended.>"}:               "spool.run.ended.>",
		{Name: "a", Stream: StreamResults, JobID: "j"}:                                  "spool.result.j",
		{Name: "a", Stream: StreamJobs, JobID: "j", Filter: "spool.job.*"}:              "spool.job.j",
		{Name: "A-b_9", Stream: StreamDeadLetters}:                                      "spool.dead.>",
	} {
		got, err := NewSubscriber(in)
		if err != nil || got.Filter != want {
			t.Errorf("%+v: %q, %v; want %q", in, got.Filter, err, want)
		}
	}
	for in, field := range map[Subscriber]string{
		{Stream: StreamRunEvents}:                                "name",
		{Name: "a.b", Stream: StreamRunEvents}:                   "name",
		{Name: "*", Stream: StreamRunEvents}:                     "name",
		{Name: strings.Repeat("a", 65), Stream: StreamRunEvents}: "name",
		{Name: "a"}:                                                                     "stream",
		{Name: "a", Stream: "KV_TOKENS"}:                                                "stream",
		{Name: "a", Stream: StreamTriggers}:                                             "stream",
		{Name: "a", Stream: StreamSubscribers}:                                          "stream",
		{Name: "a", Stream: StreamRunEvents, Filter: ">"}:                               "filter",
		{Name: "a", Stream: StreamRunEvents, Filter: "spool.>"}:                         "filter",
		{Name: "a", Stream: StreamRunEvents, Filter: "spool.*.ended.>"}:                 "filter",
		{Name: "a", Stream: StreamRunEvents, Filter: "spool.run"}:                       "filter",
		{Name: "a", Stream: StreamRunEvents, Filter: "spool.running.x"}:                 "filter",
		{Name: "a", Stream: StreamRunEvents, Filter: "spool.run.>.x"}:                   "filter",
		{Name: "a", Stream: StreamRunEvents, Filter: "spool.run..x"}:                    "filter",
		{Name: "a", Stream: StreamRunEvents, Filter: "spool.run. x"}:                    "filter",
		{Name: "a", Stream: StreamRunEvents, Filter: "$KV.TOKENS.>"}:                    "filter",
		{Name: "a", Stream: StreamRunEvents, JobID: "j", Filter: "spool.run.ended.k.>"}: "filter",
		{Name: "a", Stream: StreamRunEvents, JobID: "j", Filter: "spool.run.ended"}:     "filter",
		{Name: "a", Stream: StreamResults, JobID: "*"}:                                  "job_id",
		{Name: "a", Stream: StreamResults, JobID: ">"}:                                  "job_id",
		{Name: "a", Stream: StreamResults, JobID: "a.b"}:                                "job_id",
	} {
		got, err := NewSubscriber(in)
		if CodeOf(err) != Invalid || !strings.HasPrefix(err.Error(), field+":") {
			t.Errorf("%+v: %+v, %v; want a fault of %s", in, got, err, field)
		}
	}
}
