//go:build faults

package faultpoint

import (
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	p, err := parse("dispatch.called=kill@3, disk=delay:200ms@30s,clock=step:-1h@2s,queue.acked=sleep:1s,dispatch.taken=stop")
	if err != nil {
		t.Fatal(err)
	}
	if s := p.steps[DispatchCalled]; s.what != "kill" || s.at != 3 {
		t.Errorf("%+v", s)
	}
	if s := p.steps[QueueAcked]; s.what != "sleep" || s.at != 0 || s.sleep != time.Second {
		t.Errorf("%+v", s)
	}
	if p.each != 200*time.Millisecond || p.until != 30*time.Second || p.step != -time.Hour || p.after != 2*time.Second {
		t.Errorf("%+v", p)
	}
	for _, bad := range []string{"x", "no.such.step=kill", "dispatch.called=burn", "dispatch.called=kill@x", "disk=delay:long", "clock=step:1"} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
