package notify

import (
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// Nobody asks what a job is that tells nobody, once it is known.
func TestSilentJobIsNotAskedFor(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	asked := h.srv.Count(t, "$JS.API.STREAM.MSG.GET.JOBS", "quiet")
	h.job("quiet", "n", "{}", 0)
	h.start()
	eventstest.Eventually(h, "the end of a run leads to no question about its job", func() bool {
		before := asked.Load()
		h.ended("quiet", events.OK, "")
		h.settled("notify-webhook")
		h.settled("notify-heartbeat")
		return asked.Load() == before
	})
}

// A job that says whom to tell a moment before its run ends is told of that end.
func TestSilentJobSpeaks(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	url, calls := h.receiver(status(204))
	h.start()
	seq := uint64(0)
	for range 50 {
		seq = h.job("j1", "n", "{}", seq)
		h.ended("j1", events.OK, "")
		h.settled("notify-webhook")
		seq = h.job("j1", "n", hook(url), seq)
		ev := h.ended("j1", events.OK, "")
		if id := h.next(calls).Header.Get("webhook-id"); id != "ended_"+ev.FlowJobID {
			t.Errorf("told of %s, want %s", id, ev.FlowJobID)
		}
	}
}

func TestMayHave(t *testing.T) {
	for text, want := range map[string]bool{
		`{"settings":{"webhook_config":{}}}`:      true,
		`{"settings":{"webhook_c\u006fnfig":{}}}`: true, // the same
		`{"name":"webhook_config"}`:               true, // it may be a key
		`{"settings":{"tags":["a"]}}`:             false,
	} {
		if got := mayHave([]byte(text), "webhook_config"); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// A job whose keys are written with escapes is told, too.
func TestEscapedKeys(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	url, calls := h.receiver(status(204))
	h.start()
	h.job("j1", "n", `{"webhook_c\u006fnfig":{"url":"`+url+`"}}`, 0)
	ev := h.ended("j1", events.OK, "")
	if id := h.next(calls).Header.Get("webhook-id"); id != "ended_"+ev.FlowJobID {
		t.Errorf("told of %s, want %s", id, ev.FlowJobID)
	}
	eventstest.Eventually(h, "it is sent", func() bool { return h.figure("webhook", "sent") == 1 })
}
