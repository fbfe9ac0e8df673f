package watcher

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

// listener is told what happens in a directory. Its methods must not block.
type listener interface {
	changed(name string, how news) // something happened to the name
	doubted()                      // the directory itself was moved or removed
	overflowed()                   // something happened that is not told
}

// news is what happened to a name.
type news int

const (
	touched news = iota // nothing that matters to what it holds
	named               // it has come: by a rename, a link or a creation
	written             // what it holds was changed, or it went
)

// eventBuffer takes the bursts that come while the pump is not scheduled.
const eventBuffer = 4096

// patience is how long a watch may take to be added. It takes microseconds,
// unless the path hangs.
const patience = 5 * time.Second

var errStuck = errors.New("the system's directory watch does not answer")

// shard is one watcher of the system and the directories that it watches.
//
// It has two goroutines, and must: the library reports some errors while it
// holds the lock that Add and Remove take, so whoever receives must never wait
// for either.
type shard struct {
	fs     *fsnotify.Watcher
	jar    *cookies
	log    *slog.Logger
	meter  *meter
	orders chan order
	quit   chan struct{}
	work   sync.WaitGroup
	busy   atomic.Int64 // unix ns at which the order in work began; 0 = none

	mu   sync.Mutex
	dirs map[string][]listener // mostly one
}

type order struct {
	path   string
	remove bool
	done   chan error
}

func newShard(log *slog.Logger, m *meter) (*shard, error) {
	fs, err := fsnotify.NewBufferedWatcher(eventBuffer)
	if err != nil {
		return nil, err
	}
	jar, err := newCookies(fs.Add)
	if err != nil {
		log.Info("files that are renamed in wait for their quiet time", "error", err.Error())
	}
	s := &shard{
		fs: fs, jar: jar, log: log, meter: m, orders: make(chan order), quit: make(chan struct{}),
		dirs: map[string][]listener{},
	}
	s.work.Go(s.pump)
	s.work.Go(s.obey)
	return s, nil
}

// watch adds a listener to a directory. After an error it is not added.
func (s *shard) watch(l listener, path string) error {
	s.mu.Lock()
	if !slices.Contains(s.dirs[path], l) {
		s.dirs[path] = append(s.dirs[path], l)
	}
	s.mu.Unlock()
	// Even when others listen there: the directory can be another by now.
	if err := s.order(path, false); err != nil {
		s.forget(l, path)
		return err
	}
	return nil
}

// drop takes a listener off a directory.
func (s *shard) drop(l listener, path string) {
	if s.forget(l, path) {
		// A watch that cannot be removed is one whose directory is gone.
		_ = s.order(path, true)
	}
}

func (s *shard) forget(l listener, path string) (last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirs[path] = slices.DeleteFunc(s.dirs[path], func(o listener) bool { return o == l })
	if len(s.dirs[path]) > 0 {
		return false
	}
	delete(s.dirs, path)
	return true
}

func (s *shard) order(path string, remove bool) error {
	if since := s.busy.Load(); since > 0 && time.Since(time.Unix(0, since)) > patience {
		return errStuck
	}
	o := order{path, remove, make(chan error, 1)}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case s.orders <- o:
	case <-s.quit:
		return fsnotify.ErrClosed
	case <-late.C:
		return errStuck
	}
	select {
	case err := <-o.done:
		return err
	case <-late.C:
		return errStuck
	}
}

// obey adds and removes watches.
func (s *shard) obey() {
	for {
		select {
		case o := <-s.orders:
			s.busy.Store(time.Now().UnixNano())
			if !o.remove {
				o.done <- s.fs.Add(o.path)
			} else if s.unheard(o.path) {
				o.done <- s.fs.Remove(o.path)
			} else {
				o.done <- nil // somebody listens again since
			}
			s.busy.Store(0)
		case <-s.quit:
			return
		}
	}
}

func (s *shard) unheard(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.dirs[path]) == 0
}

// pump receives, and does nothing that can wait.
func (s *shard) pump() {
	happened, failed := s.fs.Events, s.fs.Errors
	for happened != nil || failed != nil {
		select {
		case e, ok := <-happened:
			if !ok {
				happened = nil
				continue
			}
			s.meter.reports.Inc()
			s.tell(e)
		case err, ok := <-failed:
			switch {
			case !ok:
				failed = nil
			case errors.Is(err, fsnotify.ErrEventOverflow):
				s.log.Warn("the system dropped file events: folders are scanned again")
				s.meter.overflows.Inc()
				s.tellAll()
			default:
				s.log.Debug("directory watch reports an error", "error", err.Error())
			}
		}
	}
}

func (s *shard) tell(e fsnotify.Event) {
	dir, name, how := filepath.Dir(e.Name), filepath.Base(e.Name), touched
	switch {
	case e.Has(fsnotify.Create):
		how = named
	case !e.Has(fsnotify.Chmod):
		how = written
	}
	if how == named && dir == s.jar.dir {
		s.jar.heard(name)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) {
		for _, l := range s.dirs[e.Name] {
			l.doubted()
		}
	}
	for _, l := range s.dirs[dir] {
		l.changed(name, how)
	}
}

func (s *shard) tellAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ls := range s.dirs {
		for _, l := range ls {
			l.overflowed()
		}
	}
}

// close ends the shard. Only a watch that hangs in the system can make it wait
// longer than patience; it then stays behind.
func (s *shard) close() error {
	close(s.quit)
	ended := make(chan error, 1)
	go func() {
		err := s.fs.Close()
		s.work.Wait()
		ended <- errors.Join(err, s.jar.close())
	}()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case err := <-ended:
		return err
	case <-late.C:
		return errStuck
	}
}
