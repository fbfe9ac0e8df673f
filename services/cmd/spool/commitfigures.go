package main

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"spool.internal/events/jet"
)

// commitFigures show what the services of this process committed.
type commitFigures struct {
	mu    sync.Mutex
	buses []*jet.Bus
}

var commitSeconds = prometheus.NewDesc("spool_commit_seconds", "How long commits of this process took until they were acknowledged, by stream.", []string{"stream"}, nil)

// Describe implements prometheus.Collector.
func (f *commitFigures) Describe(ch chan<- *prometheus.Desc) { ch <- commitSeconds }

// Collect implements prometheus.Collector. It asks nobody.
func (f *commitFigures) Collect(ch chan<- prometheus.Metric) {
	f.mu.Lock()
	buses := f.buses
	f.mu.Unlock()
	all := map[string]jet.Commits{}
	for _, b := range buses {
		for stream, c := range b.Commits() {
			sum := all[stream]
			sum.Add(c)
			all[stream] = sum
		}
	}
	for stream, c := range all {
		within := map[float64]uint64{}
		for i, bound := range jet.CommitBounds {
			within[bound] = c.Within[i]
		}
		ch <- prometheus.MustNewConstHistogram(commitSeconds, c.Count, c.Seconds, within, stream)
	}
}

// measure counts the commits over a bus of this process.
func (in *instance) measure(bus *jet.Bus) error {
	if in.commits != nil {
		in.commits.mu.Lock()
		defer in.commits.mu.Unlock()
		in.commits.buses = append(in.commits.buses, bus)
		return nil
	}
	in.commits = &commitFigures{buses: []*jet.Bus{bus}}
	return in.Metrics.Register(in.commits)
}
