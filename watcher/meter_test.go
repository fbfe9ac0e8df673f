package watcher_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"spool.internal/events/eventstest"
)

func TestMetrics(t *testing.T) {
	t.Parallel()
	r := newHarness(t, eventstest.Options{})
	reg := prometheus.NewRegistry()
	r.cfg.Metrics = reg
	dir := r.dir("in")
	r.job("job", "in", nil)
	r.job("other", "absent", nil)
	r.start()
	// figures by name, and by state where there is one
	figures := func() map[string]float64 {
		all := map[string]float64{}
		families, err := reg.Gather()
		r.check(err)
		for _, f := range families {
			for _, m := range f.GetMetric() {
				var name strings.Builder
				name.WriteString(f.GetName())
				for _, l := range m.GetLabel() {
					name.WriteString(" " + l.GetValue())
				}
				all[name.String()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
		return all
	}
	r.eventually(func() bool {
		f := figures()
		return f["spool_watch_folders live"] == 1 && f["spool_watch_folders absent"] == 1
	})
	w := r.holdOpen(filepath.Join(dir, "f"), "one")
	r.eventually(func() bool {
		f := figures()
		return f["spool_watch_pending_files"] == 1 && f["spool_watch_oldest_pending_seconds"] > 0
	})
	r.check(w.Close())
	r.await("job", 1)
	r.eventually(func() bool {
		f := figures()
		return f["spool_watch_pending_files"] == 0 && f["spool_watch_oldest_pending_seconds"] == 0 &&
			f["spool_watch_files_total"] == 1 && f["spool_watch_scans_total"] >= 1 && f["spool_watch_events_total"] >= 1
	})
	for _, name := range []string{"spool_watch_overflows_total", "spool_watch_unreported_files_total", "spool_watch_hung_calls"} {
		if n, there := figures()[name]; !there || n != 0 {
			t.Errorf("%s: %v, shown: %t", name, n, there)
		}
	}
}
