package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spool.internal/events/atomicfile"
	"spool.internal/events/jet"
	"spool.internal/events/wait"
	"spool.internal/services/broker/cluster"
)

// figures registers what is measured of a process as a whole, once. The gateway, which answers for
// the state of all, measures the streams as well.
func (in *instance) figures(role string, bus *jet.Bus) {
	if in.id == "" {
		for of, file := range in.certificates() {
			in.Metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "spool_certificate_end_timestamp_seconds", Help: "When a certificate of this process ends, in seconds since 1970; 0 when its file cannot be read.",
				ConstLabels: prometheus.Labels{"of": of},
			}, func() float64 { return certificateEnd(file) }))
		}
		if in.broker != nil {
			data := in.set.common.data
			in.Metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "spool_backup_timestamp_seconds",
				Help: "When spool backup last copied this store whole, from this machine, in seconds since 1970; 0 when it never has.",
			}, func() float64 { return lastBackup(data) }))
		}
	}
	if role == "gateway" {
		streams := &streamFigures{states: bus.StreamStates, every: streamsEvery}
		if in.broker != nil && in.bundle == nil {
			streams.every = ownStreamsEvery
		}
		in.Metrics.MustRegister(streams)
		in.Go("stream figures", streams.run)
	}
}

// certificates are the files of those that this process shows.
func (in *instance) certificates() map[string]string {
	all := map[string]string{"api": in.set.common.tlsCert, "nats": in.set.broker.tlsCert, "nats client": in.set.nats.cert}
	if in.bundle != nil {
		all["machine"] = in.bundle.Path(cluster.Certificate)
	}
	for of, file := range all {
		if file == "" {
			delete(all, of)
		}
	}
	return all
}

func certificateEnd(file string) float64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return 0
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return 0
	}
	return float64(c.NotAfter.Unix())
}

// backupMark is a file of the data folder that holds the time of the last backup.
const backupMark = "backup.time"

// noteBackup notes that the store of a data folder was copied whole as it was at that time.
func noteBackup(data string, at time.Time) error {
	return atomicfile.Write(filepath.Join(data, backupMark), []byte(at.UTC().Format(time.RFC3339)+"\n"), 0o600)
}

func lastBackup(data string) float64 {
	text, err := os.ReadFile(filepath.Join(data, backupMark))
	if err != nil {
		return 0
	}
	at, err := time.Parse(time.RFC3339, string(text[:max(0, len(text)-1)]))
	if err != nil {
		return 0
	}
	return float64(at.Unix())
}

// streamFigures hold what the streams last said, each up to half a minute old: whoever collects has no
// token, and waits for no stream.
type streamFigures struct {
	states func(context.Context) ([]jet.StreamState, map[string]error)
	every  time.Duration

	mu     sync.Mutex
	all    []jet.StreamState
	faults map[string]error
}

const (
	streamsEvery    = 10 * time.Second
	ownStreamsEvery = 30 * time.Second // where this process leads them all, always
	streamsPatience = 3 * time.Second
)

var (
	streamLeader   = streamFigure("leader", "1 when the stream has a leader, which without a majority of its replicas it has not; else 0.")
	streamReplicas = streamFigure("replicas", "Copies that the stream is to have.")
	streamCurrent  = streamFigure("replicas_current", "Copies that are there and have all that the leader has.")
	streamBytes    = streamFigure("bytes", "Bytes that the stream holds, each copy.")
	streamMost     = streamFigure("max_bytes", "Bytes that it may hold; 0 = any.")
	streamRefuses  = streamFigure("refuses", "1 when it takes nothing more once it is full; 0 when it forgets the oldest.")
)

func streamFigure(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("spool_stream_"+name, help, []string{"stream"}, nil)
}

// Describe implements prometheus.Collector.
func (s *streamFigures) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{streamLeader, streamReplicas, streamCurrent, streamBytes, streamMost, streamRefuses} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. A stream that does not answer has no leader; what else
// there is to say of it is then not known, and left out.
func (s *streamFigures) Collect(ch chan<- prometheus.Metric) {
	s.mu.Lock()
	all, faults := s.all, s.faults
	s.mu.Unlock()
	say := func(d *prometheus.Desc, v float64, stream string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, stream)
	}
	for stream := range faults {
		say(streamLeader, 0, stream)
	}
	for _, st := range all {
		say(streamLeader, oneIf(st.Cluster == "" || st.Leader != ""), st.Name)
		say(streamReplicas, float64(max(1, st.Replicas)), st.Name)
		say(streamCurrent, float64(max(1, st.Replicas)-st.Lost), st.Name)
		say(streamBytes, float64(st.Bytes), st.Name)
		say(streamMost, float64(max(0, st.Limit)), st.Name)
		say(streamRefuses, oneIf(st.Refuses), st.Name)
	}
}

// run asks the streams again and again, until ctx ends.
func (s *streamFigures) run(ctx context.Context) error {
	for ctx.Err() == nil {
		patience, cancel := context.WithTimeout(ctx, streamsPatience)
		all, faults := s.states(patience)
		cancel()
		if ctx.Err() != nil {
			break
		}
		s.mu.Lock()
		s.all, s.faults = all, faults
		s.mu.Unlock()
		_ = wait.Sleep(ctx, wait.Whole(s.every))
	}
	return nil
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
