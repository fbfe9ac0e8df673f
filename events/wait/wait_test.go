package wait_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"spool.internal/events/wait"
)

func TestSleep(t *testing.T) {
	stopped := errors.New("stopped")
	for _, c := range []struct {
		name  string
		d     time.Duration
		ends  time.Duration // of the context; negative: before the sleep
		took  time.Duration
		cause error
	}{
		{"whole", time.Hour, 2 * time.Hour, time.Hour, nil},
		{"broken off", time.Hour, time.Minute, time.Minute, stopped},
		{"nothing to wait for", 0, time.Hour, 0, nil},
		{"less than nothing", -time.Second, time.Hour, 0, nil},
		{"ended before", time.Hour, -1, 0, stopped},
		{"ended before, nothing to wait for", 0, -1, 0, stopped},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				if c.ends < 0 {
					cancel(stopped)
				} else {
					time.AfterFunc(c.ends, func() { cancel(stopped) })
				}
				began := time.Now()
				if err := wait.Sleep(ctx, c.d); !errors.Is(err, c.cause) || (err == nil) != (c.cause == nil) {
					t.Errorf("err %v, want %v", err, c.cause)
				}
				if took := time.Since(began); took != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
				time.Sleep(3 * time.Hour) // the context's end
			})
		})
	}
}

func TestBackoff(t *testing.T) {
	for _, c := range []struct {
		name  string
		b     wait.Backoff
		waits string
	}{
		{"doubles", wait.Backoff{First: time.Second, Last: 5 * time.Second}, "[1s 2s 4s 5s 5s]"},
		{"alike", wait.Backoff{First: time.Second}, "[1s 1s 1s 1s 1s]"},
		{"last below first", wait.Backoff{First: time.Minute, Last: time.Second}, "[1m0s 1m0s 1m0s 1m0s 1m0s]"},
	} {
		for _, round := range []string{"at first", "after a reset"} {
			var waits []time.Duration
			for range 5 {
				waits = append(waits, c.b.Next())
			}
			if got := fmt.Sprint(waits); got != c.waits {
				t.Errorf("%s, %s: %s, want %s", c.name, round, got, c.waits)
			}
			c.b.Reset()
		}
	}
}

func TestJitter(t *testing.T) {
	for _, d := range []time.Duration{0, 1, 4, 5, time.Second, time.Hour} {
		for range 1000 {
			if j := wait.Jitter(d); j < d-d/5 || j > d+d/5 {
				t.Fatalf("%v became %v", d, j)
			}
		}
	}
}

func TestWake(t *testing.T) {
	w := wait.NewWake()
	for range 3 {
		w.Set() // does not block
	}
	<-w
	select {
	case <-w:
		t.Error("woken twice by what was set before the first look")
	default:
	}
	w.Set()
	<-w
}

func ExampleBackoff() {
	retry := wait.Backoff{First: 100 * time.Millisecond, Last: 300 * time.Millisecond}
	for range 4 {
		fmt.Println(retry.Next())
	}
	// Output:
	// 100ms
	// 200ms
	// 300ms
	// 300ms
}
