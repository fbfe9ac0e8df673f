package events

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadRetries(t *testing.T) {
	for _, c := range []struct {
		run   string
		want  Retries
		fault string
	}{
		{`{}`, Retries{}, ""},
		{`{"retries":{"times":3}}`, Retries{Times: 3, Backoff: 30 * time.Second}, ""},
		{`{"retries":{"times":2,"on_exit":"any","backoff":"0s"}}`, Retries{Times: 2}, ""},
		{`{"retries":{"times":20,"on_exit":[75,111,75],"backoff":"1h"}}`, Retries{Times: 20, OnExit: []int{75, 111}, Backoff: time.Hour}, ""},
		{`{"retries":{"times":1,"backoff":"10 minutes"}}`, Retries{Times: 1, Backoff: 10 * time.Minute}, ""},
		{`{"retries":{}}`, Retries{}, "spool.run.retries.times: is required"},
		{`{"retries":{"times":21}}`, Retries{}, "spool.run.retries.times: must be a whole number from 1 to 20"},
		{`{"retries":{"times":1,"on_exit":[]}}`, Retries{}, `spool.run.retries.on_exit: must be "any" or a list of exit statuses`},
		{`{"retries":{"times":1,"on_exit":[0]}}`, Retries{}, "spool.run.retries.on_exit: must be"},
		{`{"retries":{"times":1,"on_exit":"75"}}`, Retries{}, "spool.run.retries.on_exit: must be"},
		{`{"retries":{"times":1,"backoff":"2h"}}`, Retries{}, `spool.run.retries.backoff: "2h" is outside 0s to 1h`},
		{`{"retries":{"times":1,"wait":"2h"}}`, Retries{}, "spool.run.retries.wait: is not a key of spool.run.retries"},
		{`{"retries":[]}`, Retries{}, "spool.run.retries: must be an object"},
	} {
		p, err := ParseParameters(fmt.Appendf(nil, `{"name":"n","schedule":"* * * * *","spool":{"run":%s},"flow_parameters":{
			"auth_token":"t","binary_path":"a/b/fs/D/f","input_dir":"a/b/fs/D/in"}}`, c.run))
		if c.fault != "" {
			if err == nil || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%s: %v, want %s", c.run, err, c.fault)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.run, err)
		} else if diff := cmp.Diff(c.want, p.Options.Retries); diff != "" {
			t.Errorf("%s: %s", c.run, diff)
		}
	}
}

func TestRetriesDecide(t *testing.T) {
	for _, c := range []struct {
		Retries
		exit   *int
		failed int
		want   bool
	}{
		{Retries{}, new(1), 1, false},
		{Retries{Times: 2}, new(1), 1, true},
		{Retries{Times: 2}, nil, 2, true},
		{Retries{Times: 2}, new(1), 3, false},
		{Retries{Times: 2, OnExit: []int{75}}, new(75), 1, true},
		{Retries{Times: 2, OnExit: []int{75}}, new(1), 1, false},
		{Retries{Times: 2, OnExit: []int{75}}, nil, 1, false}, // a signal, or a timeout
	} {
		if got := c.Again(c.exit, c.failed); got != c.want {
			t.Errorf("%+v after %d: %v", c.Retries, c.failed, got)
		}
	}
	r := Retries{Times: 20, Backoff: 30 * time.Second}
	for failed, want := range map[int]time.Duration{1: 30 * time.Second, 2: time.Minute, 3: 2 * time.Minute, 7: 32 * time.Minute, 8: time.Hour, 20: time.Hour} {
		if got := r.Wait(failed, 0); got != want {
			t.Errorf("after %d: %s, want %s", failed, got, want)
		}
		if got := r.Wait(failed, 1); got != want-want/10 {
			t.Errorf("after %d, at the soonest: %s", failed, got)
		}
	}
	if got := (Retries{Times: 1}).Wait(5, 0.5); got != 0 {
		t.Errorf("without a backoff: %s", got)
	}
}

// However often a run is cut short, none of its failures is forgotten.
func TestAttemptsAreBounded(t *testing.T) {
	var attempts []Attempt
	number := 0
	for range maxRetries {
		for range 10 {
			number++
			attempts = RunEvent{Phase: Started, At: time.Unix(1, 0), Attempt: number, Attempts: attempts}.AttemptsWith()
		}
		number++
		attempts = RunEvent{Phase: Retrying, Status: ERROR, At: time.Unix(2, 0), Attempt: number, Attempts: attempts, Message: strings.Repeat("é", 300)}.AttemptsWith()
	}
	if len(attempts) > maxAttempts || Failures(attempts) != maxRetries {
		t.Errorf("%d attempts, of which %d failed", len(attempts), Failures(attempts))
	}
	if last := attempts[len(attempts)-1]; len(last.Message) > maxReason+3 || last.Number != number {
		t.Errorf("%+v", last)
	}
}
