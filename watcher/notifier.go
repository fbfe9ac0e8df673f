package watcher

import (
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"syscall"
)

// shardCount spreads directories over watchers of the system: each has a queue
// of its own, an overflow of one rescans only its part, and one that hangs
// takes only its part along. The system allows too few for one a folder.
const shardCount = 8

// notifier tells listeners what the system says about directories. What it
// tells is a hint: it can come late, twice, or not at all.
type notifier struct {
	seed   maphash.Seed
	shards [shardCount]*shard // nil where the system gave no watcher
	none   error              // why
}

func newNotifier(log *slog.Logger, m *meter) *notifier {
	removeStaleCookies()
	n := &notifier{seed: maphash.MakeSeed()}
	for i := range n.shards {
		if n.shards[i], n.none = newShard(log, m); n.none != nil {
			log.Warn("the system gives no more directory watches: folders are polled", "error", n.none.Error())
			break
		}
	}
	return n
}

func (n *notifier) of(path string) *shard {
	return n.shards[maphash.String(n.seed, path)%shardCount]
}

// watch adds a listener to a directory, given by its path without links.
// Repeating it is cheap, and needed after the directory was replaced.
func (n *notifier) watch(l listener, path string) error {
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

// drop takes a listener off a directory.
func (n *notifier) drop(l listener, path string) {
	if s := n.of(path); s != nil {
		s.drop(l, path)
	}
}

// pass waits until everything that has happened in a watched directory has been
// told. It answers false when that cannot be known.
func (n *notifier) pass(path string) bool {
	s := n.of(path)
	return s != nil && path != "" && s.jar.pass()
}

func (n *notifier) close() error {
	var errs []error
	for _, s := range n.shards {
		if s != nil {
			errs = append(errs, s.close())
		}
	}
	return errors.Join(errs...)
}
