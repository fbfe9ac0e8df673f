package cron

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spool.internal/events"
)

// meter counts this replica's acknowledged commits. A commit whose acknowledgement was
// lost is not counted.
type meter struct {
	fired, caughtUp prometheus.Counter
	verdicts        *prometheus.CounterVec
	backlog         prometheus.Gauge
	all             []prometheus.Collector
}

func newMeter(w *watchdog, clock *skew) *meter {
	triggers := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "spool_cron_triggers_total",
		Help: "Triggers committed by this replica: fired within 60 s of their slot, or caught_up later.",
	}, []string{"kind"})
	m := &meter{
		fired: triggers.WithLabelValues("fired"), caughtUp: triggers.WithLabelValues("caught_up"),
		verdicts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "spool_cron_verdicts_total",
			Help: "Verdicts on runs of slots that yielded no trigger, committed by this replica.",
		}, []string{"verdict"}),
		backlog: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "spool_cron_backlog_triggers",
			Help: "Triggers that catch-up still owes, as this replica last read them.",
		}),
	}
	m.all = []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "spool_clock_skew_seconds",
			Help: "How far the clock of this machine is ahead of that of the others, or of the store; below 0 it is behind.",
		}, func() float64 { return clock.ahead().Seconds() }),
		triggers, m.verdicts, m.backlog,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "spool_cron_clock_minute",
			Help: "The newest minute that this replica has seen committed, in seconds since 1970; 0 before the first.",
		}, func() float64 { return float64(w.minute.Load() * 60) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "spool_cron_lag_seconds",
			Help: "How long a minute has been due without being committed.",
		}, func() float64 { return w.lag().Seconds() }),
	}
	return m
}

func (m *meter) count(a events.Answers, now time.Time) {
	for _, t := range a.Fired {
		if events.CaughtUp(t.Minute, now) {
			m.caughtUp.Inc()
		} else {
			m.fired.Inc()
		}
	}
	for _, v := range a.Passed {
		m.verdicts.WithLabelValues(string(v.Verdict)).Inc()
	}
}
