package cron

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"spool.internal/events/metrics"
)

// stuck is a jobLog whose feed hangs while it is told to.
type stuck struct {
	*journal
	mu   sync.Mutex
	gate chan struct{} // closed: it does not hang
}

func (s *stuck) hang() (release func()) {
	gate := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = gate
	return func() { close(gate) }
}

// Barrier pays no heed to its context, as a hung call would.
func (s *stuck) Barrier(ctx context.Context) (uint64, error) {
	s.mu.Lock()
	gate := s.gate
	s.mu.Unlock()
	if gate != nil {
		<-gate
	}
	return s.journal.Barrier(ctx)
}

func TestMinuteThatDoesNotCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		w.create(time.Now(), "j", "* * * * *", options{})
		jobs := newIndex(time.UTC, quiet(t))
		w.attach(jobs)
		jobLog := &stuck{journal: w.journal}
		l := newLoop(replica(t, w.memory, jobLog, jobs, w.time))
		var out bytes.Buffer
		watch := l.engine.watch
		watch.log = slog.New(slog.NewTextHandler(&out, nil))
		if watch.check() != nil || watch.lag() != 0 {
			t.Error("late before it has begun")
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := l.run(ctx); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() { watch.run(ctx) })

		w.until(0, 3, time.Second)
		if err := watch.check(); err != nil || watch.lag() != 0 {
			t.Errorf("in time: %v, lag %s", err, watch.lag())
		}
		release := jobLog.hang()
		w.until(0, 4, 29*time.Second)
		if err := watch.check(); err != nil || watch.lag() != 29*time.Second {
			t.Errorf("29 s late: %v, lag %s", err, watch.lag())
		}
		w.until(0, 30)
		if err := watch.check(); err == nil || !strings.Contains(err.Error(), "00:04:00Z") {
			t.Errorf("with a loop that hangs: %v", err)
		}
		if err := l.health.check(); err != nil {
			t.Errorf("the loop itself could tell: %v", err)
		}
		release()
		w.until(0, 31, time.Second)
		if err := watch.check(); err != nil {
			t.Errorf("when it goes on: %v", err)
		}
		w.until(0, 32)
		cancel()
		wg.Wait()
		w.detach(jobs)
		log := out.String()
		if strings.Count(log, "\n") != 2 || !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "again") {
			t.Errorf("log, want one line when it begins and one when it ends:\n%s", log)
		}
	})
}

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		w.create(time.Now(), "all", "* * * * *", options{CatchUp: "all"})
		w.create(time.Now(), "latest", "* * * * *", options{})
		e, s, _ := standing(w)
		r := prometheus.NewPedanticRegistry()
		if err := metrics.Register(r, "cron", e.meter.all...); err != nil {
			t.Fatal(err)
		}
		w.until(0, 1)
		persist(t, e)
		w.until(0, 11, 10*time.Second)
		persist(t, e)
		if err := s.load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.step(t.Context(), 4); err != nil {
			t.Fatal(err)
		}
		w.until(0, 12, 3*time.Second)
		families, err := r.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				var name strings.Builder
				name.WriteString(f.GetName())
				for _, l := range m.GetLabel() {
					name.WriteString(" " + l.GetValue())
				}
				got[name.String()] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
		want := map[string]float64{
			"spool_clock_skew_seconds":             0,
			"spool_cron_backlog_triggers":          5, // 00:02 to 00:10, less four
			"spool_cron_clock_minute":              float64(at(0, 11).Unix()),
			"spool_cron_lag_seconds":               3,
			"spool_cron_triggers_total fired":      4,
			"spool_cron_triggers_total caught_up":  4,
			"spool_cron_verdicts_total superseded": 1,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("figures (-want +got):\n%s", diff)
		}
		if err := metrics.Register(r, "cron", newMeter(e.watch, nil).all...); err == nil {
			t.Error("the same figures twice in one registry")
		}
	})
}
