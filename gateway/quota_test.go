package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/gateway"
)

func withQuota(q events.Quota) option {
	return withConfig(func(c *gateway.Config) { c.Quota, c.Rate = q, -1 })
}

// Of many who ask at once as many get a job as the quota has room for, and who
// deletes one gets another.
func TestQuotaOfJobs(t *testing.T) {
	s := newHarness(t, withQuota(events.Quota{Jobs: 10}))
	ann, bob := s.user("ann", events.Operator), s.user("bob", events.Operator)
	var made, refused atomic.Int64
	var first atomic.Pointer[string]
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			a := s.send(http.MethodPost, v1Path+"create_job", ann, plainJob("j"))
			switch {
			case a.status() == "OK":
				id := a.field("job_id")
				first.Store(&id)
				made.Add(1)
			case a.code == http.StatusOK && strings.Contains(a.msg(), "the quota of 10 jobs of ann is used up: delete some"):
				refused.Add(1)
			}
		})
	}
	all.Wait()
	if made.Load() != 10 || refused.Load() != 30 {
		t.Fatalf("%d jobs were made, %d refused; want 10 and 30", made.Load(), refused.Load())
	}
	wantFault(t, s.native(http.MethodPost, "jobs", ann, plainJob("k")), http.StatusForbidden, "the quota of 10 jobs of ann is used up")
	s.create(bob, "his")
	wantCode(t, s.native(http.MethodPatch, "jobs/"+*first.Load(), ann, `{"name":"changed"}`), http.StatusOK)
	for range 12 {
		s.create(s.admin, "no quota")
	}
	wantCode(t, s.native(http.MethodDelete, "jobs/"+*first.Load(), ann, ""), http.StatusNoContent)
	eventstest.Eventually(t, "there is room for one more", func() bool {
		return s.native(http.MethodPost, "jobs", ann, plainJob("k")).code == http.StatusCreated
	})
	wantCode(t, s.native(http.MethodPost, "jobs", ann, plainJob("l")), http.StatusForbidden)

	// Another start counts what is stored.
	_ = s.stop()
	s.start()
	wantFault(t, s.native(http.MethodPost, "jobs", ann, plainJob("k")), http.StatusForbidden, "the quota of 10 jobs")
}

// The bytes of an owner's jobs count with their history; what takes away is
// always allowed.
func TestQuotaOfBytes(t *testing.T) {
	s := newHarness(t, withQuota(events.Quota{Bytes: 200 << 10}))
	ann := s.user("ann", events.Operator)
	large := func(n int) string {
		return body{settings: fmt.Sprintf(`{"runtime_config":{"text":%q}}`, strings.Repeat("x", n<<10))}.String()
	}
	const why = "the quota of 204800 bytes that the jobs of ann may take up"
	a, _ := s.made(ann, large(60))
	b, _ := s.made(ann, large(60))
	wantFault(t, s.native(http.MethodPost, "jobs", ann, large(120)), http.StatusForbidden, why)
	wantCode(t, s.native(http.MethodPatch, "jobs/"+a.ID, ann, `{"name":"once"}`), http.StatusOK)
	wantFault(t, s.native(http.MethodPatch, "jobs/"+a.ID, ann, `{"name":"twice"}`), http.StatusForbidden, why)
	if got := s.send(http.MethodPost, v1Path+"create_job", ann, large(60)); got.status() != "ERROR" || !strings.Contains(got.msg(), why) {
		t.Errorf("create_job: %s", got.body)
	}
	wantCode(t, s.native(http.MethodPost, "jobs/"+a.ID+"/disable", ann, ""), http.StatusOK)
	eventstest.Eventually(t, "what was stored is known", func() bool {
		return s.native(http.MethodPost, "jobs/"+a.ID+"/enable", ann, "").code == http.StatusForbidden
	})
	wantCode(t, s.native(http.MethodPatch, "jobs/"+a.ID, s.admin, `{"name":"by an administrator"}`), http.StatusOK)
	_ = s.stop()
	s.start()
	wantFault(t, s.native(http.MethodPatch, "jobs/"+a.ID, ann, `{"name":"after a restart"}`), http.StatusForbidden, why)
	for _, id := range []string{a.ID, b.ID} {
		wantCode(t, s.native(http.MethodDelete, "jobs/"+id, ann, ""), http.StatusNoContent)
	}
	eventstest.Eventually(t, "there is room again", func() bool {
		return s.native(http.MethodPost, "jobs", ann, large(120)).code == http.StatusCreated
	})
}

// Triggers that wait count for their owner, whoever of his tokens asks.
func TestQuotaOfQueued(t *testing.T) {
	s := newHarness(t, withQuota(events.Quota{Queued: 3}))
	ann, bob := s.user("ann", events.Operator), s.user("bob", events.Operator)
	id, other, his := s.create(ann, "a"), s.create(ann, "b"), s.create(bob, "c")
	for _, job := range []string{id, other, id} {
		wantCode(t, s.native(http.MethodPost, "jobs/"+job+"/trigger", ann, ""), http.StatusAccepted)
	}
	const why = "the quota of 3 triggers of ann that may wait is used up"
	wantFault(t, s.native(http.MethodPost, "jobs/"+other+"/trigger", ann, ""), http.StatusServiceUnavailable, why)
	if a := s.send(http.MethodPost, v1Path+"trigger_job", s.user("ann", events.Operator), `{"job_id":"`+id+`"}`); a.code != http.StatusServiceUnavailable || !strings.Contains(a.msg(), why) {
		t.Errorf("trigger_job: %d %s", a.code, a.body)
	}
	wantCode(t, s.native(http.MethodPost, "jobs/"+his+"/trigger", bob, ""), http.StatusAccepted)
	wantCode(t, s.native(http.MethodPost, "jobs/"+id+"/trigger", s.admin, ""), http.StatusAccepted)
	if err := s.bus.Triggers(events.KindManual, "").Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventstest.Eventually(t, "there is room again", func() bool {
		return s.native(http.MethodPost, "jobs/"+id+"/trigger", ann, "").code == http.StatusAccepted
	})
}

// In a store that is really full jobs can be disabled and deleted, and tokens revoked.
func TestRoomWhenFull(t *testing.T) {
	s := newHarness(t, withQuota(events.Quota{}), func(s *harness) { s.bytes = 64 << 20 })
	const full = "there is no room for more jobs"
	large := body{settings: fmt.Sprintf(`{"runtime_config":{"text":%q}}`, strings.Repeat("x", 100<<10))}.String()
	var ids []string
	for {
		a := s.native(http.MethodPost, "jobs", s.admin, large)
		if a.code != http.StatusCreated {
			wantFault(t, a, http.StatusServiceUnavailable, full)
			break
		}
		ids = append(ids, a.field("job_id"))
	}
	if len(ids) < 10 {
		t.Fatalf("only %d jobs were made", len(ids))
	}
	wantFault(t, s.native(http.MethodPatch, "jobs/"+ids[0], s.admin, `{"name":"changed"}`), http.StatusServiceUnavailable, full)
	for range 3 { // as often as one likes
		for _, id := range ids {
			a := s.native(http.MethodPost, "jobs/"+id+"/disable", s.admin, "")
			if j := into[nativeJob](t, a, http.StatusOK); j.Status != "DISABLED" {
				t.Fatalf("disable: %s", a.body)
			}
		}
	}
	wantFault(t, s.native(http.MethodPost, "jobs/"+ids[0]+"/enable", s.admin, ""), http.StatusServiceUnavailable, full)
	for _, id := range ids[1:] {
		wantCode(t, s.native(http.MethodDelete, "jobs/"+id, s.admin, ""), http.StatusNoContent)
	}
	eventstest.Eventually(t, "there is room again", func() bool {
		return s.native(http.MethodPost, "jobs/"+ids[0]+"/enable", s.admin, "").code == http.StatusOK
	})

	var tokens []string
	name := strings.Repeat("é", 64)
	for {
		token, _ := events.NewToken(name, events.Viewer, time.Now())
		if err := s.bus.PutToken(t.Context(), token); err != nil {
			if !jet.IsFull(err) {
				t.Fatal(err)
			}
			break
		}
		tokens = append(tokens, token.ID)
	}
	var a answer
	for range 100 { // what was too large for the rest of the room may leave some for a shorter name
		if a = s.native(http.MethodPost, "tokens", s.admin, `{"owner":"eve","role":"viewer"}`); a.code != http.StatusCreated {
			break
		}
	}
	wantFault(t, a, http.StatusServiceUnavailable, "there is no room for more tokens")
	for _, id := range tokens[:min(len(tokens), 300)] {
		wantCode(t, s.native(http.MethodDelete, "tokens/"+id, s.admin, ""), http.StatusNoContent)
	}
	t.Logf("%d jobs of 100 KiB and %d tokens filled the store", len(ids), len(tokens))
}
