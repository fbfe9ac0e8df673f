package broker

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
)

// controlFile is the socket in the data folder through which commands on this machine reach the
// NATS server. Who opens it must be the owner of the folder, and sign in with its keys.
const controlFile = "control.sock"

// longestPath is how long the path of a socket may be on every system.
const longestPath = 100

// control passes what comes through the socket on to the server.
type control struct {
	file string
	on   net.Listener
	srv  *current
	all  sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
	shut  bool
}

// openControl begins to listen. The caller holds the lock of the folder: a socket that is there is
// one that a process has left.
func openControl(dataDir string, srv *current) (*control, error) {
	file := filepath.Join(dataDir, controlFile)
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	c := &control{file: file, srv: srv, conns: map[net.Conn]bool{}}
	err := reachable(file, func(path string) (err error) {
		c.on, err = net.Listen("unix", path)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	c.on.(*net.UnixListener).SetUnlinkOnClose(false) // the path may be one of reachable's
	if err := os.Chmod(file, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("control socket: %w", err), c.on.Close())
	}
	c.all.Go(c.accept)
	return c, nil
}

// reachable calls f with a path of a socket that the system takes, however long its own is.
func reachable(file string, f func(path string) error) error {
	if len(file) <= longestPath {
		return f(file)
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	defer dir.Close() //nolint:errcheck // nothing was written through it
	return f(fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(file)))
}

func (c *control) accept() {
	for {
		conn, err := c.on.Accept()
		if err != nil {
			return // closed
		}
		if c.keep(conn) {
			c.all.Go(func() { c.pass(conn) })
		}
	}
}

// keep notes a connection, which close then ends; one that comes too late ends at once.
func (c *control) keep(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shut {
		_ = conn.Close() // nothing was said
		return false
	}
	c.conns[conn] = true
	return true
}

// pass copies both ways until one side ends.
func (c *control) pass(conn net.Conn) {
	defer func() {
		_ = conn.Close()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.conns, conn)
	}()
	inside, err := c.srv.InProcessConn()
	if err != nil {
		return // the server is being opened anew: who asked asks again
	}
	var both sync.WaitGroup
	for _, way := range []struct{ to, from net.Conn }{{inside, conn}, {conn, inside}} {
		both.Go(func() {
			_, _ = io.Copy(way.to, way.from) // either end may go at any time
			_ = errors.Join(way.to.Close(), way.from.Close())
		})
	}
	both.Wait()
}

func (c *control) close() {
	_ = c.on.Close() // only once
	c.mu.Lock()
	c.shut = true
	for conn := range c.conns {
		_ = conn.Close()
	}
	c.mu.Unlock()
	c.all.Wait()
	_ = os.Remove(c.file) // the next start does it otherwise
}
