package jet_test

import (
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

func TestHTTPResultIsCopied(t *testing.T) {
	r := events.Result{
		JobID: "j", TriggerID: "t", EndedNS: 1665446403651243100, Status: events.ERROR,
		File: events.NewFile(`,"http_result":{"status":"forged"}}`),
		HTTP: events.HTTPResult{Status: "200", Response: `{"a":"\"},\"http_result\":"}`},
	}
	ended, status, result, err := jet.EncodeResult(r).Stored().HTTPResult()
	if err != nil || ended.UnixNano() != r.EndedNS || status != r.Status {
		t.Errorf("%v %v %v", ended, status, err)
	}
	r.HTTP.Headers = []events.Header{}
	if want := string(events.Encode(r.HTTP)); string(result) != want {
		t.Errorf("got  %s\nwant %s", result, want)
	}
}
