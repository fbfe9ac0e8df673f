package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// Two cron replicas against one broker, one of them killed again and again, then
// both: each slot of each job has one trigger or one verdict, as its policy says.
func TestChaosClock(t *testing.T) {
	if os.Getenv("SPOOL_CHAOS") == "" {
		t.Skip("make chaos runs it: it takes 10 minutes")
	}
	clockChaos(t, 5*time.Minute, 20*time.Second, 3*time.Minute)
}

// The same in three minutes, beside another test that waits for real ones.
func TestLongClockAcrossKills(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: it waits for real minutes")
	}
	t.Parallel()
	clockChaos(t, 0, 5*time.Second, 2*time.Minute)
}

// clockJobs is how many jobs there are of each policy.
const clockJobs = 20

func clockChaos(t *testing.T, kills, every, down time.Duration) {
	p := newHarness(t)
	p.start("broker", "--data", p.data, "--nats-listen", p.nats)
	bus := p.bus()
	began := time.Now()
	policies := map[string]string{}
	for part, policy := range []string{"latest", "none", "all"} {
		for n := range clockJobs {
			id := fmt.Sprintf("6bc58441-1f60-4265-99f1-%06d%06d", part, n)
			policies[id] = policy
			putClockJob(p, bus, id, policy, began)
		}
	}
	var replicas [2]*process
	for i := range replicas {
		replicas[i] = p.start("cron", "--data", p.data, "--nats-url", "nats://"+p.nats, "--nats-creds", filepath.Join(p.data, "cron.creds"))
	}
	killed := 0
	for end := began.Add(kills).Truncate(time.Minute).Add(time.Minute); time.Until(end) > every; killed++ {
		// Whenever a minute comes in between, it is the moment of the minute.
		time.Sleep(min(every, time.Until(nextMinute().Add(rand.N(20*time.Millisecond)))))
		replicas[killed%2].kill()
		replicas[killed%2].start()
	}
	gone := nextMinute()
	time.Sleep(time.Until(gone.Add(rand.N(30*time.Millisecond) - 20*time.Millisecond)))
	for _, r := range replicas {
		r.kill()
	}
	back := gone.Add(down)
	time.Sleep(time.Until(back.Add(time.Second)))
	for _, r := range replicas {
		r.start()
	}
	p.eventually("every slot is answered for", func() bool {
		clock, _, err := bus.Clock(t.Context())
		left, err2 := bus.Backlogs(t.Context())
		return err == nil && err2 == nil && clock.Done() && clock.Minute >= events.MinuteOf(back) && len(left) == 0
	})
	checkClock(p, bus, policies, began, gone, back, killed+2)
	// The API says the same of every slot, without a record of most.
	p.start("gateway", "--data", p.data, "--nats-url", "nats://"+p.nats, "--nats-creds", filepath.Join(p.data, "gateway.creds"), "--listen", p.api)
	for id, policy := range policies {
		checkShown(p, id, policy, began, gone, back)
	}
}

// checkClock goes through the slots after began up to back. At the slot of gone
// everybody was killed; at those after it and before back nobody was there.
func checkClock(p *harness, bus *jet.Bus, policies map[string]string, began, gone, back time.Time, kills int) {
	p.Helper()
	first, lost, last := events.MinuteOf(began)+1, events.MinuteOf(gone), events.MinuteOf(back)
	answers := map[string][]string{} // job and slot → what became of it
	key := func(id string, minute events.Minute) string { return fmt.Sprint(id, " ", minute) }
	caughtUp := 0
	for _, f := range read(p, bus.Triggers(events.KindCron, "")) {
		what := "fired"
		if f.At.Sub(f.Minute.Time()) > time.Minute {
			what, caughtUp = "caught_up", caughtUp+1
		}
		answers[key(f.JobID, f.Minute)] = append(answers[key(f.JobID, f.Minute)], what)
	}
	seen := map[string]bool{} // a verdict on its way is in both streams
	for _, v := range slices.Concat(
		read(p, bus.NewVerdicts("")),
		read(p, bus.Verdicts("")),
	) {
		if seen[v.ID()] {
			continue
		}
		seen[v.ID()] = true
		for minute := v.From; minute <= v.To; minute++ {
			answers[key(v.JobID, minute)] = append(answers[key(v.JobID, minute)], string(v.Verdict))
		}
	}
	slots := 0
	for _, id := range slices.Sorted(maps.Keys(policies)) {
		for minute := first; minute <= last; minute++ {
			want := "fired"
			if minute > lost && minute < last {
				want = passedOver[policies[id]]
			}
			got := answers[key(id, minute)]
			if len(got) != 1 || got[0] != want && (minute != lost || got[0] != passedOver[policies[id]]) {
				p.Errorf("%s, %s: %v, want [%s]", id, minute.Time(), got, want)
			}
			delete(answers, key(id, minute))
			slots++
		}
	}
	for what, got := range answers {
		if minute, _ := strconv.ParseInt(what[strings.LastIndex(what, " ")+1:], 10, 64); minute <= int64(last) {
			p.Errorf("%s: %v, but that is no slot", what, got)
		}
	}
	p.Logf("%d jobs, %d slots, %d kills, nobody there for %s: %d triggers caught up, none doubled, none missing",
		len(policies), slots, kills, back.Sub(gone), caughtUp)
}

// checkShown checks the slots of one job as the API shows them. No dispatcher runs here, so what was fired is queued, in time or late.
func checkShown(p *harness, id, policy string, began, gone, back time.Time) {
	p.Helper()
	var answer struct {
		Slots []struct {
			From, To time.Time
			Verdict  string
			Lateness *int64 `json:"lateness_ms"`
		}
		Next string `json:"next_page_token"`
	}
	query := fmt.Sprintf("/api/v2/jobs/%s/slots?from=%s&to=%s&limit=1000", id, began.UTC().Format(time.RFC3339), back.UTC().Format(time.RFC3339))
	p.get(query, &answer)
	told := map[events.Minute]string{}
	for _, s := range answer.Slots {
		what := s.Verdict
		if s.Verdict == "queued" && s.Lateness != nil {
			if what = "fired"; *s.Lateness > time.Minute.Milliseconds() {
				what = "caught_up"
			}
		}
		for minute := events.MinuteOf(s.From); minute <= events.MinuteOf(s.To); minute++ {
			if told[minute] != "" {
				p.Errorf("%s, %s is told twice", id, minute.Time())
			}
			told[minute] = what
		}
	}
	first, lost, last := events.MinuteOf(began)+1, events.MinuteOf(gone), events.MinuteOf(back)
	for minute := first; minute <= last; minute++ {
		want := "fired"
		if minute > lost && minute < last {
			want = passedOver[policy]
		}
		if got := told[minute]; got != want && (minute != lost || got != passedOver[policy]) {
			p.Errorf("%s, %s is told to be %q, want %s", id, minute.Time(), got, want)
		}
	}
	if n := int(last - first + 1); len(told) != n || answer.Next != "" {
		p.Errorf("%s: %d slots are told, want %d; next page %q", id, len(told), n, answer.Next)
	}
}

// passedOver is the fate of a slot at which no cron was running, by policy.
var passedOver = map[string]string{"latest": "superseded", "none": "missed", "all": "caught_up"}

func putClockJob(p *harness, bus *jet.Bus, id, policy string, now time.Time) {
	p.Helper()
	_, err := bus.PutJob(p.Context(), events.JobEvent{Event: events.JobCreated, At: now, Job: events.Job{
		ID: id, Status: events.Enabled, CreatedOnNS: now.UnixNano(), EffectiveFrom: now,
		Parameters: events.Encode(map[string]any{
			"name": id, "schedule": "* * * * *", "spool": map[string]any{"catch_up": policy},
			"flow_parameters": map[string]any{
				"auth_token": events.Mask, "binary_path": testDrive + "/flow.ibflowbin", "input_dir": testDrive + "/in",
			},
		}),
	}}, 0)
	if err != nil {
		p.Fatal(err)
	}
}

func nextMinute() time.Time { return time.Now().Truncate(time.Minute).Add(time.Minute) }
