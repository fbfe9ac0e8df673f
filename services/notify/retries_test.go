package notify

import (
	"testing"
	"time"
)

func TestRetries(t *testing.T) {
	for _, c := range []struct {
		name       string
		deliveries uint64
		age        time.Duration
		want       time.Duration // 0 = it was the last
	}{
		{"the first failure", 1, 0, 5 * time.Second},
		{"the second", 2, 6 * time.Second, time.Minute},
		{"the seventh", 7, 8 * time.Hour, 10 * time.Hour},
		{"the eighth", 8, 18 * time.Hour, 0},
		{"killed eight times within a minute and a half", 9, 90 * time.Second, 5 * time.Minute},
		{"killed a thousand times within a day", 1000, 17 * time.Hour, 10 * time.Hour},
		{"away for a week before the first attempt", 1, 7 * 24 * time.Hour, 5 * time.Second},
		{"away for a week after the third", 3, 7 * 24 * time.Hour, 5 * time.Minute},
		{"a clock that went back", 3, -time.Hour, 5 * time.Second},
	} {
		got, ok := overHours.after(c.deliveries, c.age)
		if ok != (c.want > 0) || got < c.want || got > c.want+c.want/10 {
			t.Errorf("%s: waits %s, %v; want %s and up to a tenth more", c.name, got, ok, c.want)
		}
	}
	// Left alone, a delivery is attempted eight times.
	attempts, age := 0, time.Duration(0)
	for more := true; more; attempts++ {
		var wait time.Duration
		wait, more = overHours.after(uint64(attempts+1), age)
		age += wait + time.Second
	}
	if attempts != 8 || age < 17*time.Hour || age > 20*time.Hour {
		t.Errorf("%d attempts within %s", attempts, age)
	}
}

func TestSemaphores(t *testing.T) {
	s := semaphores{width: maxPerJob, all: map[string]*semaphore{}}
	for range maxPerJob {
		if ok, _ := s.acquire("a"); !ok {
			t.Fatal("no slot of an unused semaphore")
		}
	}
	if ok, failed := s.acquire("a"); ok || failed {
		t.Errorf("a full semaphore: acquired %v, failed %v", ok, failed)
	}
	if ok, _ := s.acquire("b"); !ok {
		t.Error("the semaphore of another job is full too")
	}
	for range maxPerJob - 1 {
		s.release("a", true, 0)
	}
	if ok, failed := s.acquire("a"); ok || !failed {
		t.Errorf("a job that fails and is probed: acquired %v, failed %v", ok, failed)
	}
	s.release("a", false, 0)
	s.release("b", false, 0)
	if len(s.all) != 0 {
		t.Errorf("%d semaphores are kept", len(s.all))
	}
}
