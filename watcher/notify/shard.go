package notify

import (
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Listener is called when something happens in a directory. Its methods must not block.
type Listener interface {
	Changed(name string, how Change) // something happened to the name
	Doubted()                        // the directory itself was moved or removed
	Overflowed()                     // the system dropped reports
}

// Change is what happened to a name.
type Change int

const (
	Touched Change = iota // nothing that changes its content
	Arrived               // it is new: by a rename, a link or a creation
	Written               // its content was changed, or it is gone
)

// EventBuffer is how many reports of one shard wait in memory while its receiver is not scheduled.
const EventBuffer = 4096

// watchTimeout is how long adding or removing a watch may take: microseconds, unless the path hangs.
const watchTimeout = 5 * time.Second

var errStuck = errors.New("the system's directory watch does not answer")

// Counters are what a notifier counts.
type Counters struct {
	Reports   Counter // reports of the system
	Overflows Counter // times that the system dropped reports
}

// Counter is a prometheus.Counter, as far as it is needed.
type Counter interface{ Inc() }

// shard is one watcher of the system with the directories that it watches.
//
// It needs two goroutines: the library reports some errors while it holds the lock that Add and Remove take, so the
// goroutine that receives must never wait for either.
type shard struct {
	fs       *fsnotify.Watcher
	cookies  *cookies
	log      *slog.Logger
	counts   Counters
	requests chan request
	quit     chan struct{}
	work     sync.WaitGroup
	busy     atomic.Int64 // unix ns at which the request in work began; 0 = none

	mu   sync.Mutex
	dirs map[string][]Listener // mostly one
}

// request is to add or remove one watch.
type request struct {
	path   string
	remove bool
	done   chan error
}

func newShard(log *slog.Logger, c Counters) (*shard, error) {
	fs, err := fsnotify.NewBufferedWatcher(EventBuffer)
	if err != nil {
		return nil, err
	}
	jar, err := newCookies(fs.Add)
	if err != nil {
		log.Info("files that are renamed in wait for their quiet period", "error", err.Error())
	}
	s := &shard{
		fs: fs, cookies: jar, log: log, counts: c, requests: make(chan request), quit: make(chan struct{}),
		dirs: map[string][]Listener{},
	}
	s.work.Go(s.receive)
	s.work.Go(s.serve)
	return s, nil
}

// watch adds a listener to a directory. After an error it is not added.
func (s *shard) watch(l Listener, path string) error {
	s.mu.Lock()
	if !slices.Contains(s.dirs[path], l) {
		s.dirs[path] = append(s.dirs[path], l)
	}
	s.mu.Unlock()
	// Even when others listen there: the directory can be another by now.
	if err := s.ask(path, false); err != nil {
		s.forget(l, path)
		return err
	}
	return nil
}

// drop takes a listener off a directory.
func (s *shard) drop(l Listener, path string) {
	if s.forget(l, path) {
		// A watch that cannot be removed is one whose directory is gone.
		_ = s.ask(path, true)
	}
}

// forget removes a listener, and reports whether it was the last on the path.
func (s *shard) forget(l Listener, path string) (last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirs[path] = slices.DeleteFunc(s.dirs[path], func(o Listener) bool { return o == l })
	if len(s.dirs[path]) > 0 {
		return false
	}
	delete(s.dirs, path)
	return true
}

// ask has the serving goroutine add or remove a watch, and waits for the outcome, 5 s at most.
func (s *shard) ask(path string, remove bool) error {
	if since := s.busy.Load(); since > 0 && time.Since(time.Unix(0, since)) > watchTimeout {
		return errStuck
	}
	r := request{path, remove, make(chan error, 1)}
	late := time.NewTimer(watchTimeout)
	defer late.Stop()
	select {
	case s.requests <- r:
	case <-s.quit:
		return fsnotify.ErrClosed
	case <-late.C:
		return errStuck
	}
	select {
	case err := <-r.done:
		return err
	case <-late.C:
		return errStuck
	}
}

// serve adds and removes watches.
func (s *shard) serve() {
	for {
		select {
		case o := <-s.requests:
			s.busy.Store(time.Now().UnixNano())
			if !o.remove {
				o.done <- s.fs.Add(o.path)
			} else if s.unused(o.path) {
				o.done <- s.fs.Remove(o.path)
			} else {
				o.done <- nil // another listener came meanwhile
			}
			s.busy.Store(0)
		case <-s.quit:
			return
		}
	}
}

func (s *shard) unused(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.dirs[path]) == 0
}

// receive passes reports on. It does nothing that can block.
func (s *shard) receive() {
	happened, failed := s.fs.Events, s.fs.Errors
	for happened != nil || failed != nil {
		select {
		case e, ok := <-happened:
			if !ok {
				happened = nil
				continue
			}
			s.counts.Reports.Inc()
			s.dispatch(e)
		case err, ok := <-failed:
			switch {
			case !ok:
				failed = nil
			case errors.Is(err, fsnotify.ErrEventOverflow):
				s.log.Warn("the system dropped file events: folders are scanned again")
				s.counts.Overflows.Inc()
				s.dispatchOverflow()
			default:
				s.log.Debug("directory watch reports an error", "error", err.Error())
			}
		}
	}
}

// dispatch calls the listeners that a report concerns.
func (s *shard) dispatch(e fsnotify.Event) {
	dir, name, how := filepath.Dir(e.Name), filepath.Base(e.Name), Touched
	switch {
	case e.Has(fsnotify.Create):
		how = Arrived
	case !e.Has(fsnotify.Chmod):
		how = Written
	}
	if dir == s.cookies.dir {
		if how != Written {
			s.cookies.returned(name)
		}
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) {
		for _, l := range s.dirs[e.Name] {
			l.Doubted()
		}
	}
	for _, l := range s.dirs[dir] {
		l.Changed(name, how)
	}
}

func (s *shard) dispatchOverflow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ls := range s.dirs {
		for _, l := range ls {
			l.Overflowed()
		}
	}
}

// close ends the shard. When a call into the system hangs, it returns after watchTimeout and leaves the shard's
// goroutines behind.
func (s *shard) close() error {
	close(s.quit)
	ended := make(chan error, 1)
	go func() {
		err := s.fs.Close()
		s.work.Wait()
		ended <- errors.Join(err, s.cookies.close())
	}()
	late := time.NewTimer(watchTimeout)
	defer late.Stop()
	select {
	case err := <-ended:
		return err
	case <-late.C:
		return errStuck
	}
}
