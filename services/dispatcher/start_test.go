package dispatcher

import (
	"net/http"
	"strconv"
	"testing"

	"spool.internal/events"
)

// However often and whenever a dispatcher is stopped, it ends, leaves no goroutine behind (TestMain looks) and no
// trigger without its one result.
func TestStartsAndStops(t *testing.T) { startsAndStops(t, 12) }

func TestLongStartsAndStops(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: it starts 100 dispatchers")
	}
	startsAndStops(t, 100)
}

func startsAndStops(t *testing.T, times int) {
	t.Parallel()
	called := make(chan struct{}, 10*times)
	h := newHarness(t, func(w http.ResponseWriter, _ *http.Request) {
		called <- struct{}{}
		_, _ = w.Write(events.Encode(events.RunAnswer{Status: events.OK}))
	})
	seq := h.job("j", "1h", nil)
	for n := range times {
		h.trigger("j", strconv.Itoa(n), seq)
		_, stop := h.dispatcher()
		if n%2 == 1 { // in the middle of a call, else of its start
			<-called
		}
		stop()
	}
	h.run()
	if n := len(h.results("j", times)); n != times {
		t.Errorf("%d results of %d triggers", n, times)
	}
}
