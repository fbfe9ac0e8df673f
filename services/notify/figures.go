package notify

import (
	"github.com/prometheus/client_golang/prometheus"

	"spool.internal/events"
)

// figures are the metrics of all channels.
type figures struct {
	deliveries *prometheus.CounterVec
	waiting    *prometheus.GaugeVec
}

func newFigures() *figures {
	return &figures{
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "spool_notify_deliveries_total",
			Help: "Delivery attempts of this process by outcome: sent, failed, or given_up after the last failure.",
		}, []string{"channel", "outcome"}),
		waiting: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "spool_notify_waiting",
			Help: "Notifications that wait for an attempt or are being delivered, as the broker counts them.",
		}, []string{"queue"}),
	}
}

// meter counts the deliveries of one channel.
type meter struct {
	sent, failed, givenUp prometheus.Counter
	waiting               prometheus.Gauge
}

func (f *figures) of(channel events.Channel, queue string) meter {
	count := func(outcome string) prometheus.Counter { return f.deliveries.WithLabelValues(string(channel), outcome) }
	return meter{count("sent"), count("failed"), count("given_up"), f.waiting.WithLabelValues(queue)}
}
