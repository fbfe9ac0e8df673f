package watcher

import (
	"testing"
	"time"

	"spool.internal/watcher/stage"
)

func TestPressure(t *testing.T) {
	p, now := &backpressure{}, time.Now()
	if !p.failed(stage.ErrRead, now) || p.failed(stage.ErrRead, now) {
		t.Error("the first failure is not the only one said")
	}
	if wait, err := p.wait(now); wait != backpressureFirst || err == nil {
		t.Errorf("wait %v because of %v", wait, err)
	}
	for range 10 {
		wait, _ := p.wait(now)
		now = now.Add(wait)
		p.failed(stage.ErrRead, now)
	}
	if wait, _ := p.wait(now); wait != backpressureLast {
		t.Errorf("after many failures wait %v, want %v", wait, backpressureLast)
	}
	if _, err := p.wait(now.Add(3 * backpressureLast)); err != nil {
		t.Error("a failure that nobody repeats is remembered")
	}
	if !p.passed() || p.passed() {
		t.Error("the first success is not the only one said")
	}
}
