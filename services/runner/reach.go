package runner

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/sorting"
	"spool.internal/events/wait"
	"spool.internal/services/runner/cell"
	"spool.internal/services/runner/process"
	"spool.internal/services/runner/record"
)

// How long the addresses of a name are cached, and how long a run waits for them before it begins.
const (
	namesEvery  = 30 * time.Second
	namesWithin = 5 * time.Second
)

// names is a cache of the addresses of hosts. It is safe for concurrent use.
type names struct {
	lookup func(ctx context.Context, host string) ([]netip.Addr, error) // nil: as this host does

	mu    sync.Mutex
	known map[string]resolved
}

type resolved struct {
	addrs []netip.Addr
	err   error
	at    time.Time
}

// of gives the addresses of hosts. A host that cannot be looked up keeps its earlier addresses.
func (n *names) of(ctx context.Context, hosts []string) map[string]resolved {
	ctx, cancel := context.WithTimeout(ctx, namesWithin)
	defer cancel()
	var asking sync.WaitGroup
	for _, host := range hosts {
		asking.Go(func() { n.ask(ctx, host) })
	}
	asking.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	found := map[string]resolved{}
	for _, host := range hosts {
		found[host] = n.known[host]
	}
	return found
}

func (n *names) ask(ctx context.Context, host string) {
	n.mu.Lock()
	was := n.known[host]
	n.mu.Unlock()
	if !was.at.IsZero() && was.err == nil && time.Since(was.at) < namesEvery {
		return
	}
	lookup := n.lookup
	if lookup == nil {
		lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	addrs, err := lookup(ctx, host)
	now := resolved{err: err, at: time.Now(), addrs: was.addrs}
	if err == nil {
		now.addrs = nil
		for _, a := range addrs {
			if a = a.Unmap().WithZone(""); !a.IsUnspecified() && !a.IsMulticast() && !slices.Contains(now.addrs, a) {
				now.addrs = append(now.addrs, a)
			}
		}
		sorting.By(now.addrs, netip.Addr.Compare)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil {
		n.known = map[string]resolved{}
	}
	n.known[host] = now
}

// reach is what a run may connect to. One goroutine uses it at a time.
type reach struct {
	targets []events.Target
	now     map[string]resolved // by name
	before  []cell.Peer         // what it was when the names were asked for last
	hosts   *os.File            // what the flow finds as /etc/hosts; nil: that of the host
	rest    []byte              // of it: what the host's has
	unix    bool                // sockets that it finds, too
}

// newReach looks up what the profiles of a run let it connect to; nil: all, or nothing.
func (r *Runner) newReach(ctx context.Context, a *attempt) (*reach, error) {
	if len(a.granted.Connect) == 0 {
		return nil, nil
	}
	if why := r.canLimit(); why != nil {
		return nil, events.Faultf(events.Unavailable, "spool.run.profiles", "connect %s: flows cannot be held to that here, and get no other network instead: %v", a.granted.Connect[0], why)
	}
	c := &reach{unix: a.form.View && a.form.Landlock >= 6}
	for _, text := range a.granted.Connect {
		t, err := events.ParseTarget(text)
		if err != nil {
			return nil, err
		}
		c.targets = append(c.targets, t)
	}
	c.now = r.names.of(ctx, c.names())
	for _, name := range slices.Sorted(maps.Keys(c.now)) {
		if found := c.now[name]; found.err != nil {
			a.runlog.Note("%s has no address at present: %v", name, found.err)
		}
	}
	if a.form.View {
		return c, c.publish(a.dir)
	}
	return c, nil
}

// canLimit says why flows cannot be held to what they may connect to.
func (r *Runner) canLimit() error {
	if !r.room.Shut {
		return errors.New("they are not shut in (--sandbox off)")
	}
	return r.cfg.hidden.canAsk()
}

func (c *reach) names() (all []string) {
	for _, t := range c.targets {
		if _, err := netip.ParseAddr(t.Host); err != nil && !slices.Contains(all, t.Host) {
			all = append(all, t.Host)
		}
	}
	return all
}

// peers are the addresses of now.
func (c *reach) peers() (all []cell.Peer) {
	for _, t := range c.targets {
		addrs := c.now[t.Host].addrs
		if a, err := netip.ParseAddr(t.Host); err == nil {
			addrs = []netip.Addr{a}
		}
		for _, a := range addrs {
			all = append(all, cell.Peer{Addr: a.As16(), Port: int(t.Port)})
		}
	}
	return all
}

// publish makes the hosts file of a run, in which the names are that it may connect to.
func (c *reach) publish(dir record.Folder) (err error) {
	c.rest, _ = os.ReadFile("/etc/hosts") // where there is none there are no other names
	c.hosts, err = dir.Root.OpenFile("hosts", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	if err == nil {
		err = errors.Join(c.hosts.Chmod(0o644), c.writeHosts()) // whatever the umask says
	}
	return err
}

// close is called when the flow is gone.
func (c *reach) close() {
	if c != nil && c.hosts != nil {
		_ = c.hosts.Close()
	}
}

// writeHosts writes it in place, since it is mounted.
func (c *reach) writeHosts() error {
	var b strings.Builder
	for _, name := range c.names() {
		for _, a := range c.now[name].addrs {
			b.WriteString(a.String() + "\t" + name + "\n")
		}
	}
	b.Write(c.rest)
	if _, err := c.hosts.WriteAt([]byte(b.String()), 0); err != nil {
		return err
	}
	return c.hosts.Truncate(int64(b.Len()))
}

// limiter is a flow that can be kept from connecting elsewhere.
type limiter interface{ Limit(cell.Reach) error }

// hold tells the guard of a flow what it may connect the flow to. The addresses before the last change
// stay allowed: the flow may just have looked one up.
func (c *reach) hold(f limiter) error {
	peers := c.peers()
	err := f.Limit(cell.Reach{Peers: slices.Concat(peers, c.before), Unix: c.unix})
	c.before = peers
	return err
}

// keepReach looks the names up again every 30 s, until stop is called.
func (r *Runner) keepReach(ctx context.Context, c *reach, f *process.Flow) (stop func()) {
	if c == nil || len(c.names()) == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var keeping sync.WaitGroup
	keeping.Go(func() {
		for wait.Sleep(ctx, namesEvery) == nil {
			if err := c.renew(r.names.of(ctx, c.names()), f); err != nil && ctx.Err() == nil {
				r.log.Warn("new addresses are not told to a flow", "error", err.Error())
			}
		}
	})
	return func() { cancel(); keeping.Wait() }
}

// renew takes over the addresses that names have now.
func (c *reach) renew(now map[string]resolved, f limiter) error {
	was := c.peers()
	if c.now = now; slices.Equal(was, c.peers()) {
		return nil
	}
	if err := c.hold(f); err != nil || c.hosts == nil {
		return err
	}
	return c.writeHosts()
}

// place adds the hosts file to the places of a run.
func (c *reach) place(dir record.Folder, into *places) error {
	if c == nil || c.hosts == nil {
		return nil
	}
	f, err := dir.Root.Open("hosts")
	if err != nil {
		return err
	}
	into.add("/etc/hosts", cell.Read, f)
	into.list[len(into.list)-1].Granted = true // it is no folder
	return nil
}
