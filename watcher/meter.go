package watcher

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spool.internal/events"
	"spool.internal/watcher/settle"
)

// meter counts what the watcher does, and shows the states of its folders.
type meter struct {
	scans, overflows, reports, unreported, files prometheus.Counter

	folders, pending, oldest, held, hung *prometheus.Desc
	watcher                              *Watcher
}

func newMeter(w *Watcher) *meter {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	return &meter{
		scans:      counter("spool_watch_scans_total", "Scans of folders, to their end."),
		overflows:  counter("spool_watch_overflows_total", "Times that the system dropped file events, so that folders were scanned again."),
		reports:    counter("spool_watch_events_total", "File events of the system in watched folders."),
		unreported: counter("spool_watch_unreported_files_total", "Files found by a sweep for which the system had sent no event; 0 on a local disk."),
		files:      counter("spool_watch_files_total", "Files queued by this watcher."),
		folders:    prometheus.NewDesc("spool_watch_folders", "Folders by state.", []string{"state"}, nil),
		pending:    prometheus.NewDesc("spool_watch_pending_files", "Files that were seen and are not queued yet.", nil, nil),
		oldest:     prometheus.NewDesc("spool_watch_oldest_pending_seconds", "How long the oldest of them has waited; 0 when there is none.", nil, nil),
		held:       prometheus.NewDesc("spool_watch_held_files", "Files that are held: they came out of runs that lead back to their own job, or out of too many.", nil, nil),
		hung:       prometheus.NewDesc("spool_watch_hung_calls", "Calls into file systems that hang.", nil, nil),
		watcher:    w,
	}
}

// all returns what is to be registered.
func (m *meter) all() []prometheus.Collector {
	return []prometheus.Collector{m, m.scans, m.overflows, m.reports, m.unreported, m.files}
}

// Describe and Collect implement [prometheus.Collector].
func (m *meter) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.folders, m.pending, m.oldest, m.held, m.hung} {
		ch <- d
	}
}

// Collect: see Describe.
func (m *meter) Collect(ch chan<- prometheus.Metric) {
	states := map[events.FolderState]int{}
	for s := settle.Absent; s <= settle.Blocked; s++ {
		states[s.Shown()] = 0
	}
	var pending int
	var oldest time.Duration
	now := time.Now()
	for _, s := range m.watcher.states(slices.Values(m.watcher.jobIDs())) {
		states[s.State]++
		pending += s.Pending
		if !s.OldestPending.IsZero() {
			oldest = max(oldest, now.Sub(s.OldestPending))
		}
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for s, n := range states {
		gauge(m.folders, float64(n), string(s))
	}
	gauge(m.pending, float64(pending))
	gauge(m.oldest, oldest.Seconds())
	gauge(m.held, float64(m.watcher.held.count()))
	gauge(m.hung, float64(m.watcher.pool.stuck()))
}
