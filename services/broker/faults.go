package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"spool.internal/events/sorting"
	"spool.internal/events/wait"
)

// faults are what the server reports as wrong with its streams, as of the last check. A server keeps the
// first error of a write for as long as a stream's store is open.
type faults struct {
	mu      sync.Mutex
	looked  time.Time // when the last look ended
	since   map[fault]time.Time
	current []fault
	being   string   // what is being done about it
	behind  []string // what a machine of a cluster lacks of what the others have
}

// fault is one thing that is wrong.
type fault struct {
	stream string // of which; empty = of the server
	text   string
}

// lookAgain is how often the server is looked at, silentAfter after how long without
// an end a look says that the server hangs, and hangsFor after how long nobody waits
// for it any more.
const (
	lookAgain   = time.Second
	silentAfter = 5 * time.Second
	hangsFor    = 2 * time.Minute
)

// Check reports why messages cannot be stored now, or nil, as it was a second ago.
func (b *Broker) Check() error {
	err := b.faults.held()
	if b.cfg.Bundle != nil {
		err = b.faults.whole()
	}
	if err != nil {
		return err
	}
	return b.own.Check()
}

// held is why the services of this process must not begin what they could not finish. In a cluster their
// work goes to whichever machine leads, whatever the store of this one is short of.
func (b *Broker) held() error {
	if b.cfg.Bundle != nil {
		return b.faults.hangs()
	}
	return b.faults.held()
}

// broken is why a stream takes nothing that is written.
func (b *Broker) broken(stream string) error {
	if b.cfg.Bundle != nil {
		return nil
	}
	return b.faults.broken(stream)
}

// look asks the server what is wrong with it. Only the healer calls it: a server that hangs does not
// answer.
func (b *Broker) look() error {
	found, behind := b.wrong(), b.behind()
	f := &b.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	f.note(found, time.Now())
	f.behind = behind
	return f.err()
}

// Alive returns an error once the server has hung for so long that only a new process can go on: not
// even its store can be closed then.
func (b *Broker) Alive(ctx context.Context) error {
	for wait.Sleep(ctx, wait.Whole(lookAgain)) == nil {
		if since := b.faults.silent(); since > hangsFor {
			return fmt.Errorf("the NATS server has hung for %s, and this process ends so that it can be started again", since.Round(time.Second))
		}
	}
	return nil
}

// silent is how long the server has not answered a check.
func (f *faults) silent() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.looked.IsZero() {
		return 0
	}
	return time.Since(f.looked)
}

// held is why services must not begin what they could not finish.
func (f *faults) held() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err()
}

// hangs is why nobody is answered.
func (f *faults) hangs() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.silence()
}

// whole is held, and why a machine of a cluster is not as the others are. Before the first look nobody
// knows.
func (f *faults) whole() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.looked.IsZero() {
		return errors.New("this machine has just started")
	}
	errs := []error{f.err()}
	for _, what := range f.behind {
		errs = append(errs, errors.New(what))
	}
	return errors.Join(errs...)
}

// broken says why a stream refuses every write.
func (f *faults) broken(stream string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, what := range f.current {
		if what.stream == stream {
			return errors.New(what.text)
		}
	}
	return nil
}

// note takes in what is wrong now.
func (f *faults) note(found []fault, now time.Time) {
	since := map[fault]time.Time{}
	for _, what := range found {
		since[what] = now
		if was, known := f.since[what]; known {
			since[what] = was
		}
	}
	f.looked, f.since, f.current = now, since, found
}

// busy sets what is being done about the faults; empty = nothing any more.
func (f *faults) busy(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.being = what
}

func (f *faults) err() error {
	errs := []error{f.silence()}
	for _, what := range f.current {
		errs = append(errs, fmt.Errorf("%s since %s", what.text, f.since[what].UTC().Format(time.RFC3339)))
	}
	return errors.Join(errs...)
}

// wrong says what is wrong with the server that runs now, stream by stream.
func (b *Broker) wrong() (found []fault) {
	srv := b.srv.now()
	if !srv.Running() {
		return []fault{{"", "the NATS server has stopped"}}
	}
	if !srv.JetStreamEnabled() {
		return []fault{{"", "JetStream is off, because the store failed (see the log),"}}
	}
	// The server reads the names of the streams from the disk. Where it cannot, it
	// finds no fault in them: so it is asked for our account, which it then misses.
	for _, e := range health(func() []server.HealthzError {
		return srv.Healthz(&server.HealthzOptions{Account: b.accounts.home, Details: true}).Errors
	}) {
		_, why, refused := strings.Cut(e.Error, "write error: ")
		switch {
		case b.cfg.Bundle != nil && !refused:
			// It lacks what the others have, and fetches it: see behind.
		case e.Stream != "" && refused:
			// The path of the file is for the log.
			why = why[strings.LastIndex(why, ": ")+1:]
			found = append(found, fault{e.Stream, fmt.Sprintf("%s refuses what is written (%s)", e.Stream, strings.TrimSpace(why))})
		case e.Stream != "":
			found = append(found, fault{e.Stream, e.Stream + " could not be read from the disk"})
		default:
			found = append(found, fault{"", b.unread(e.Error)})
		}
	}
	sorting.By(found, func(x, y fault) int { return cmp.Compare(x.text, y.text) })
	return found
}

// health is what the server says of itself. It first gives itself a millisecond to be
// ready, which it is since its start: on a busy machine that is over before it has
// looked, so it is asked again.
func health(ask func() []server.HealthzError) (found []server.HealthzError) {
	for range 20 {
		found = ask()
		if !slices.ContainsFunc(found, func(e server.HealthzError) bool { return strings.HasPrefix(e.Error, notReadyYet) }) {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	return found
}

// notReadyYet begins what a server says of itself whose millisecond is over.
const notReadyYet = "failed to be ready for connections"

// unread says why the folder of the store cannot be read.
func (b *Broker) unread(said string) string {
	f, err := os.Open(b.opts.StoreDir)
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return "the folder of the store cannot be read (" + p.Err.Error() + ")"
	}
	return errors.Join(errors.New("the NATS server is not well ("+said+")"), f.Close()).Error()
}

func (f *faults) silence() error {
	if f.being != "" {
		return errors.New(f.being)
	}
	if !f.looked.IsZero() && time.Since(f.looked) > silentAfter {
		return fmt.Errorf("the NATS server does not answer since %s", f.looked.UTC().Format(time.RFC3339))
	}
	return nil
}
