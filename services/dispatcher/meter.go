package dispatcher

import "github.com/prometheus/client_golang/prometheus"

// meter counts what this dispatcher does.
type meter struct {
	calls *prometheus.CounterVec
	dead  prometheus.Counter
	took  prometheus.Histogram
	all   []prometheus.Collector
}

func newMeter(d *Dispatcher) *meter {
	m := &meter{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "spool_dispatcher_calls_total",
			Help: "Run-binary calls by outcome: ok, error (answered and final), retry (a fault that may pass), refused (no connection).",
		}, []string{"outcome"}),
		dead: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "spool_dispatcher_dead_letters_total", Help: "Triggers that were given up.",
		}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "spool_dispatcher_call_seconds", Help: "Duration of run-binary calls.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}),
	}
	m.all = []prometheus.Collector{
		m.calls, m.dead, m.took,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "spool_dispatcher_calls_in_flight", Help: "Busy workers.",
		}, func() float64 { return float64(len(d.workers)) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "spool_dispatcher_triggers_waiting", Help: "Triggers that wait for a retry.",
		}, func() float64 { return float64(d.waiting.count()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "spool_dispatcher_endpoint_refusing",
			Help: "1 while the circuit breaker is open because the endpoint refuses connections, else 0.",
		}, func() float64 {
			if d.endpoints.closed() {
				return 0
			}
			return 1
		}),
	}
	for did, count := range map[string]func(renewed, stepped, remade int64) int64{
		"asked_anew":   func(n, _, _ int64) int64 { return n },
		"stepped_down": func(_, n, _ int64) int64 { return n },
		"made_anew":    func(_, _, n int64) int64 { return n },
	} {
		m.all = append(m.all, prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name:        "spool_queue_stalls_total",
			Help:        "What was done about consumers that gave nothing: a request anew, another leader, or a new consumer in place of one whose server is away.",
			ConstLabels: prometheus.Labels{"did": did},
		}, func() float64 { return float64(count(d.bus.Stalls())) }))
	}
	return m
}
