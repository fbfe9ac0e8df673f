package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spool.internal/events"
	"spool.internal/events/metrics"
	"spool.internal/events/reserve"
	"spool.internal/events/wait"
)

// How often the store may be reopened, and how long the clients of this process may take to reconnect
// after that.
const (
	reopenEvery = 30 * time.Second
	reconnect   = 5 * time.Second

	closePatience = 30 * time.Second
)

// healer reopens the store once what it was short of, room on its disk or file descriptors, is available
// again. The server alone would refuse every write until it is restarted.
type healer struct {
	b       *Broker
	log     *slog.Logger
	folder  os.FileInfo // of the store: another folder of this name is not to be opened
	ballast ballast
	stop    context.CancelFunc
	done    chan struct{}

	reopened *prometheus.CounterVec // by outcome
	last     time.Time              // when the store was opened anew
	tried    time.Time              // when there seemed to be room
	hurt     bool                   // it is known that the store refuses writes
}

func newHealer(b *Broker) (*healer, error) {
	folder, err := os.Stat(b.opts.StoreDir)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	h := &healer{
		b: b, log: b.cfg.Log.With("component", "broker"), folder: folder, ballast: ballast{file: filepath.Join(b.cfg.DataDir, "ballast")},
		done: make(chan struct{}),
		reopened: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "spool_store_reopened_total", Help: "Times that the store was opened anew because it refused writes, by outcome.",
		}, []string{"outcome"}),
	}
	for _, outcome := range []string{"ok", "failed"} {
		h.reopened.WithLabelValues(outcome)
	}
	if err := metrics.Register[prometheus.Collector](b.cfg.Metrics, "the broker", h.reopened); err != nil {
		return nil, err
	}
	var ctx context.Context
	ctx, h.stop = context.WithCancel(context.Background())
	go h.run(ctx) // ended by close
	return h, nil
}

func (h *healer) close() {
	h.stop()
	<-h.done
}

// tight says why nothing is to be purged: with a disk that is full the server may lock
// itself out of a stream (nats-server 2.15.2: PurgeEx holds the lock of the stream's
// store, and what it calls when its tombstones cannot be written takes it again).
func (b *Broker) tight() error {
	free, total, err := reserve.Room(b.cfg.DataDir)
	if err != nil || free > bulk(total)/2 {
		return nil //nolint:nilerr // what is not known refuses nothing
	}
	return &events.Error{Code: events.Full, Message: "the disk of the store is nearly full, so nothing is taken out of it now: try again later"}
}

func (h *healer) run(ctx context.Context) {
	defer close(h.done)
	for ctx.Err() == nil {
		h.tend(ctx)
		_ = wait.Sleep(ctx, wait.Whole(lookAgain))
	}
}

// tend looks at the store once, and does what is to be done now.
func (h *healer) tend(ctx context.Context) {
	if h.b.Place() != nil {
		return // this process is about to end
	}
	why := h.b.look()
	if why == nil {
		h.hurt = false
		h.ballast.hold(h.b.cfg.Reserve, h.log)
		return
	}
	if !h.hurt {
		h.hurt = true
		h.log.Error("the store refuses what is written", "error", why.Error())
	}
	h.ballast.giveUp(h.log)
	if !h.last.IsZero() && time.Since(h.last) < reopenEvery || !h.there() || enough(h.b.cfg.DataDir) != nil || time.Since(h.tried) < 2*time.Second {
		return
	}
	h.tried = time.Now()
	h.b.faults.busy("the store is being opened anew")
	if err := trial(h.b.cfg.DataDir); err != nil {
		h.log.Warn("the store is not opened anew yet: a trial failed", "error", err.Error())
	} else {
		h.last = time.Now()
		h.reopen(ctx)
	}
	h.b.faults.busy("")
	_ = h.b.look() // what is wrong is no more to be believed
}

// there reports whether the folder of the store is the one that was opened.
func (h *healer) there() bool {
	now, err := os.Stat(h.b.opts.StoreDir)
	return err == nil && os.SameFile(now, h.folder)
}

// reopen exchanges the server. Clients in this process connect to the next one by
// themselves, those outside as well.
func (h *healer) reopen(ctx context.Context) {
	began := time.Now()
	before, _ := h.b.lastOf() // JetStream is off: nothing to compare with
	h.b.srv.leave()
	// It has begun, so it is brought to its end also when the process stops: the close
	// of the broker waits for it.
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closePatience)
	defer cancel()
	err := h.b.closeStore(closing) // after an error it is tried again, with the same server
	if err == nil {
		err = h.b.openStore()
	}
	if err == nil && h.b.cfg.Listen != "" {
		for until := time.Now().Add(reconnect); !h.b.guard.nc.IsConnected() && time.Now().Before(until) && ctx.Err() == nil; {
			_ = wait.Sleep(ctx, 10*time.Millisecond)
		}
		h.b.listen()
	}
	if err == nil {
		err = h.whole()
	}
	if err == nil && h.b.cfg.Bundle == nil { // else it fetches from the others what it lacks
		err = h.lost(before)
	}
	if err != nil {
		h.reopened.WithLabelValues("failed").Inc()
		h.log.Error("the store was opened anew and is not whole", "error", err.Error())
		return
	}
	h.reopened.WithLabelValues("ok").Inc()
	h.log.Warn("the store was opened anew and takes what is written", "took", time.Since(began).Round(time.Millisecond).String())
}

func (h *healer) whole() error {
	var errs []error
	for _, what := range h.b.wrong() {
		errs = append(errs, errors.New(what.text))
	}
	return errors.Join(errs...)
}

// lost names the streams that end earlier than they did. With fsync none does; with
// interval what was acknowledged in the moments before the shortage may be gone.
func (h *healer) lost(before map[string]uint64) error {
	var errs []error
	after, _ := h.b.lastOf() // likewise: then all is lost
	for stream, seq := range before {
		if after[stream] < seq {
			errs = append(errs, fmt.Errorf("%s ends at %d and ended at %d: what was stored last is lost", stream, after[stream], seq))
		}
	}
	return errors.Join(errs...)
}
