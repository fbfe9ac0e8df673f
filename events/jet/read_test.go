package jet_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

func TestGetMany(t *testing.T) {
	b := eventstest.Bus(t)
	for _, id := range []string{"a", "b", "c"} {
		if err := b.PutResult(t.Context(), events.Result{JobID: "j", TriggerID: id, EndedNS: time.Now().UnixNano()}); err != nil {
			t.Fatal(err)
		}
	}
	got := map[int]string{}
	if err := b.GetMany(t.Context(), jet.StreamResults, []uint64{3, 99, 1}, func(i int, m jet.Stored) {
		got[i] = m.TriggerID()
	}); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0] != "c" || got[2] != "a" {
		t.Errorf("GetMany of 3, 99 and 1 gave %v", got)
	}
}

func TestResultBodies(t *testing.T) {
	b := eventstest.Bus(t)
	const n = 600 // more than are asked for at once
	results := make([]events.Result, n)
	for i := range results {
		results[i] = events.Result{JobID: "j", TriggerID: fmt.Sprint(i), EndedNS: int64(i) + 1}
	}
	for part := range slices.Chunk(results, 500) {
		if err := b.PutResults(t.Context(), part...); err != nil {
			t.Fatal(err)
		}
	}
	seqs := []uint64{n + 99}
	for i := range n {
		seqs = append(seqs, uint64(n-i))
	}
	got := map[int]string{}
	read := func(most int) {
		t.Helper()
		clear(got)
		err := b.ResultBodies(t.Context(), seqs, func(i int, r jet.ResultBody) bool {
			ended, _, _, err := r.Listed()
			if err != nil {
				t.Error(err)
			}
			got[i] = string(ended)
			return len(got) < most
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	read(n + 1)
	if len(got) != n || got[1] != fmt.Sprint(n) || got[n] != "1" {
		t.Errorf("%d bodies, the first and last %q and %q", len(got), got[1], got[n])
	}
	for _, most := range []int{1, 256, 300} {
		if read(most); len(got) != most {
			t.Errorf("%d bodies, and not %d", len(got), most)
		}
	}
}

// What is listed of a result is copied out of its body: nothing that a result holds is taken for it.
func TestListedIsCopied(t *testing.T) {
	r := events.Result{
		JobID: "j", TriggerID: "t", EndedNS: 1665446403651243100, Status: events.ERROR,
		Job:  &events.JobRef{Name: `,"ended_ns":1,"status":"OK"`},
		File: events.NewFile(`,"http_result":{"status":"forged"}}`),
		Why:  `,"ended_ns":1,"status":"OK","http_result":{}`,
		HTTP: events.HTTPResult{Status: "200", Response: `{"a":"\"},\"http_result\":","ended_ns":1,"status":"OK"}`},
	}
	ended, status, answer, err := jet.ResultBody(jet.EncodeResult(r).Stored().Data).Listed()
	if err != nil || string(ended) != "1665446403651243100" || string(status) != `"ERROR"` {
		t.Errorf("%s %s %v", ended, status, err)
	}
	r.HTTP.Headers = []events.Header{}
	if want := string(events.Encode(r.HTTP)); string(answer) != want {
		t.Errorf("got  %s\nwant %s", answer, want)
	}
	for _, other := range []string{"", "{}", `{"trigger_id":"t","ended_ns":1}`, `{"trigger_id":"t","ended_ns":1,"status":"OK"}`, `{"a":1,"http_result":{},"ended_ns":1,"status":"OK"}`} {
		if _, _, _, err := jet.ResultBody(other).Listed(); err == nil {
			t.Errorf("%q is taken for a result", other)
		}
	}
}

// Of results that lie near each other in the store each is told with its own sequence, also where some are gone.
func TestResultBodiesInRows(t *testing.T) {
	const n = 400
	for what, gone := range map[string][]uint64{
		"all": nil, "the first": {1}, "the last": {n}, "one that is asked for": {150}, "one that is not": {151}, "many": {2, 3, 7, 150, 151, 152, 299, 300},
	} {
		t.Run(what, func(t *testing.T) {
			b := eventstest.Bus(t)
			results := make([]events.Result, n)
			for i := range results {
				results[i] = events.Result{JobID: "j", TriggerID: fmt.Sprint(i), EndedNS: int64(i) + 1}
			}
			if err := b.PutResults(t.Context(), results...); err != nil {
				t.Fatal(err)
			}
			if err := b.DropEach(t.Context(), jet.StreamResults, gone); err != nil {
				t.Fatal(err)
			}
			var seqs []uint64
			want := map[int]string{}
			for seq := uint64(1); seq <= n+5; seq++ {
				if seq > 100 && seq < 300 && seq%3 != 0 {
					continue
				}
				seqs = append(seqs, seq)
				if seq <= n && !slices.Contains(gone, seq) {
					want[len(seqs)-1] = fmt.Sprint(seq)
				}
			}
			got := map[int]string{}
			if err := b.ResultBodies(t.Context(), seqs, func(i int, r jet.ResultBody) bool {
				ended, _, _, err := r.Listed()
				if _, twice := got[i]; err != nil || twice {
					t.Errorf("%d: twice %v, %v", i, twice, err)
				}
				got[i] = string(ended)
				return true
			}); err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(got, want) {
				t.Errorf("%d bodies, and not those %d that are there", len(got), len(want))
			}
		})
	}
}
