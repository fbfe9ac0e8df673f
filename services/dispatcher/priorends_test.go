package dispatcher

import (
	"fmt"
	"testing"
)

// What comes while a dispatcher works has not ended before: nobody reads the ledger for it, also in the first seconds.
func TestNewTriggersAreNotLookedUp(t *testing.T) {
	t.Parallel()
	h := newHarness(t, answer(200, `{"status":"OK"}`))
	read := h.srv.Count(t, "$JS.API.DIRECT.GET.TRIGGERS", "spool.done")
	seq := h.job("j", "1h", nil)
	h.trigger("j", "first", seq)
	h.run()
	h.results("j", 1)
	if read.Load() == 0 {
		t.Error("what may have been called for by a former process is not looked up")
	}
	read.Store(0)
	for n := range 20 {
		h.trigger("j", fmt.Sprint(n), seq)
		h.results("j", n+2)
	}
	if n := read.Load(); n > 0 {
		t.Errorf("the ledger was read %d times for 20 triggers that had just been stored", n)
	}
}
