package notify

import (
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"syscall"
)

// shardCount is how many watchers of the system share the directories. Each has its own queue, so that an overflow or
// a hang affects only its part. The system allows too few for one per directory.
const shardCount = 8

// Notifier passes the system's reports about directories to listeners.
type Notifier struct {
	seed   maphash.Seed
	shards [shardCount]*shard // nil where the system gave no watcher
	none   error              // why there is none
}

// New starts the watchers of the system. Where it gives none, every Watch fails with the reason.
func New(log *slog.Logger, c Counters) *Notifier {
	removeStaleCookies()
	n := &Notifier{seed: maphash.MakeSeed()}
	for i := range n.shards {
		if n.shards[i], n.none = newShard(log, c); n.none != nil {
			log.Warn("the system gives no more directory watches: folders are polled", "error", n.none.Error())
			break
		}
	}
	return n
}

func (n *Notifier) of(path string) *shard {
	return n.shards[maphash.String(n.seed, path)%shardCount]
}

// Watch adds a listener to a directory, given by its path without links. Repeating it is cheap, and needed after the
// directory was replaced.
func (n *Notifier) Watch(l Listener, path string) error {
	s := n.of(path)
	if s == nil {
		return n.none
	}
	return remedy(s.watch(l, path))
}

// remedy says what to do about an error of the system.
func remedy(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC):
		return errors.New("no directory watch is left for this user: raise fs.inotify.max_user_watches (sysctl)")
	case errors.Is(err, syscall.EMFILE):
		return errors.New("no queue of directory watches is left for this user: raise fs.inotify.max_user_instances (sysctl), or the limit of open files")
	default:
		return fmt.Errorf("watch: %w", err)
	}
}

// Drop removes a listener from a directory.
func (n *Notifier) Drop(l Listener, path string) {
	if s := n.of(path); s != nil {
		s.drop(l, path)
	}
}

// Close ends all watches and waits for the goroutines.
func (n *Notifier) Close() error {
	var errs []error
	for _, s := range n.shards {
		if s != nil {
			errs = append(errs, s.close())
		}
	}
	return errors.Join(errs...)
}
