package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"reflect"
	"slices"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
	"spool.internal/events/jet"
	"spool.internal/events/system"
	"spool.internal/events/wait"
	"spool.internal/services/daemon/machine"
)

// roleNames are what /system calls the parts of Spool.
var roleNames = []string{brokerRole, "runner", "dispatcher", "notify", "cron", "watcher", "gateway"}

// presences are what a process says of its roles, again and again, all in one commit.
type presences struct {
	in  *instance
	bus *jet.Bus // of the first role, which goes last

	mu     sync.Mutex
	all    []*presence
	more   wait.Wake // there is another one
	cancel context.CancelFunc
	done   chan struct{}
}

// presence is what is said of one role.
type presence struct {
	in    *instance
	bus   *jet.Bus
	state events.RoleState
	begun time.Time

	looked  time.Time // when the machine was last looked at
	machine events.MachineState
	told    time.Time // when the drives were last looked at
	said    time.Time // when this was last made up
	step    events.ClockStep

	put  time.Time        // when it was last stored
	last events.RoleState // as it was then
}

// present has a role say how it is, from now until the process stops.
func (in *instance) present(role string, bus *jet.Bus) {
	in.figures(role, bus)
	if in.id == "" {
		id := make([]byte, 4)
		rand.Read(id) //nolint:errcheck // never fails
		in.id, in.since = hex.EncodeToString(id), time.Now().UTC()
	}
	host, _ := os.Hostname()
	p := &presence{in: in, bus: bus, begun: time.Now(), state: events.RoleState{
		Role: role, Instance: in.id, Host: host, PID: os.Getpid(), Version: version(), Since: in.since,
		Place: in.place(), Boot: bootOf(in.place()), Holds: in.broker != nil && in.bundle == nil,
	}}
	if role == "gateway" && in.place() != "" {
		p.state.API = in.peerURL()
	}
	if in.roles == nil {
		in.roles = &presences{in: in, bus: bus, more: wait.NewWake(), done: make(chan struct{})}
		var ctx context.Context
		ctx, in.roles.cancel = context.WithCancel(context.Background())
		in.Go("state of the roles", func(stop context.Context) error {
			defer context.AfterFunc(stop, in.roles.cancel)()
			in.roles.repeat(ctx)
			<-stop.Done()
			return nil
		})
	}
	in.roles.mu.Lock()
	defer in.roles.mu.Unlock()
	in.roles.all = append(in.roles.all, p)
	in.roles.more.Set()
}

// presented has the roles say that they stop before any of them does; all were presented.
func (in *instance) presented() {
	in.OnStop("state of the roles", func(ctx context.Context) error {
		in.roles.cancel()
		select {
		case <-in.roles.done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// repeat says how the roles are every few seconds, and as soon as a start is over. Last it
// says that they stop.
func (r *presences) repeat(ctx context.Context) {
	defer close(r.done)
	for ctx.Err() == nil {
		r.say(ctx, r.named(), false)
		for said := time.Now(); time.Since(said) < events.RoleEvery; {
			every := events.RoleEvery
			if r.starting() {
				every = 100 * time.Millisecond
			}
			if !r.rest(ctx, every) {
				break
			}
			if turned := r.turned(); len(turned) > 0 {
				r.say(ctx, turned, false)
			}
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second/2)
	defer cancel()
	r.say(last, r.named(), true)
}

// rest waits, not longer than until there is another role. It is false when ctx has ended.
func (r *presences) rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.more:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

func (r *presences) named() []*presence {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}

// starting reports whether a role has not been ready since the process started, not long ago.
func (r *presences) starting() bool {
	return slices.ContainsFunc(r.named(), func(p *presence) bool { return !p.state.Ready && time.Since(p.begun) < events.RoleAwayAfter })
}

// turned are the roles that nothing was said of yet, and those that have become ready.
func (r *presences) turned() []*presence {
	all := r.named()
	ready := r.in.NotReady()
	return slices.DeleteFunc(all, func(p *presence) bool {
		return !p.said.IsZero() && (p.state.Ready || len(p.why(ready)) > 0)
	})
}

// say stores the states of which there is news; the next time is another chance for what
// cannot be stored.
func (r *presences) say(ctx context.Context, all []*presence, stopped bool) {
	now, notReady := time.Now(), r.in.NotReady()
	var states []events.RoleState
	var news []*presence
	for _, p := range all {
		p.state.Stopped = stopped
		if p.makeUp(ctx, now, notReady); p.isNews(now) {
			news, states = append(news, p), append(states, p.state)
		}
	}
	if len(news) == 0 {
		return
	}
	limited, cancel := context.WithTimeout(ctx, events.RoleEvery/2)
	defer cancel()
	if err := r.bus.PutRoles(limited, states); err != nil {
		if ctx.Err() == nil {
			r.in.Log.Debug("the state of the roles is not stored", "error", err.Error())
		}
		return
	}
	for _, p := range news {
		p.put, p.last = now, p.state
	}
}

// isNews reports whether a state is to be stored. While the store answers its own process is
// there: of that one, nothing is stored that was stored before. A disk that sleeps stays asleep.
func (p *presence) isNews(now time.Time) bool {
	return !p.state.Holds || now.Truncate(events.OwnRenew).After(p.put) || !reflect.DeepEqual(since(p.state, p.last), p.last)
}

// since is a state in which only that differs from the last one which says something new. Of
// room, and of what is taken, that is a change one would see in a picture of it.
func since(s, last events.RoleState) events.RoleState {
	const parts = 64
	usage := func(u *events.Usage, was events.Usage) {
		if u.Limit == was.Limit && abs(u.Used-was.Used) <= u.Limit/parts {
			*u = was
		}
	}
	s.Clock = last.Clock
	m, was := &s.Machine, last.Machine
	usage(&m.Descriptors, was.Descriptors)
	usage(&m.Watches, was.Watches)
	usage(&m.Instances, was.Instances)
	m.Disks = slices.Clone(m.Disks)
	for i := range min(len(m.Disks), len(was.Disks)) {
		d, had := &m.Disks[i], was.Disks[i]
		if system.Disk(*d).State == system.Disk(had).State && abs(d.Free-had.Free) <= d.Total/parts {
			d.Free = had.Free
		}
	}
	if s.Endpoint != nil && last.Endpoint != nil {
		e := *s.Endpoint
		e.Next = last.Endpoint.Next
		s.Endpoint = &e
	}
	return s
}

func abs(n int64) int64 { return max(n, -n) }

// makeUp finds out how the role is.
func (p *presence) makeUp(ctx context.Context, now time.Time, notReady map[string]string) {
	s := &p.state
	s.Why, s.Held = p.why(notReady), p.in.held()
	if ready := len(s.Why) == 0; ready != s.Ready || s.Turned.IsZero() {
		s.Ready, s.Turned = ready, now.UTC()
	}
	s.Machine = p.look(now)
	p.serve(ctx, now)
	if by := machine.Step(p.said, now); by != 0 && !p.said.IsZero() {
		p.step = events.ClockStep{At: now.UTC(), By: by}
	}
	p.said, s.Machine.Step = now, p.step
	switch {
	case s.Role == "dispatcher" && p.in.endpoint != nil:
		e := p.in.endpoint()
		s.Endpoint = &e
	case s.Role == "notify" && p.in.waiting != nil:
		s.Waiting = new(p.in.waiting())
	case s.Role == "cron" && p.in.answered != nil && !s.Holds: // else it is in the process of the gateway, and this is stored seldom
		s.Answered = p.in.answered()
	}
	s.Clock = faultpoint.Now().UTC()
}

// why lists what keeps the role from being ready: its own parts, and those that all roles
// of this process need.
func (p *presence) why(notReady map[string]string) (why []string) {
	for part, reason := range notReady {
		if part == p.state.Role || !slices.Contains(roleNames, part) {
			why = append(why, part+": "+reason)
		}
	}
	slices.Sort(why)
	return why
}

// look reads the machine, once a minute: some of it takes a while.
func (p *presence) look(now time.Time) events.MachineState {
	if now.Sub(p.looked) < time.Minute {
		return p.machine
	}
	p.looked = now
	set, m := p.in.set, events.MachineState{Descriptors: machine.Descriptors("self"), TZData: machine.TZData()}
	switch p.state.Role {
	case brokerRole:
		m.Disks = append(m.Disks, machine.Disk("store", set.common.data, p.in.reserve().Bytes()))
	case "watcher":
		m.Watches, m.Instances = machine.Inotify("self")
		fallthrough
	case "runner":
		m.Disks = append(m.Disks, machine.Disk("drives", set.place.drivesDir(set.common.data), 0))
	case "gateway":
		if set.common.tlsCert != "" {
			m.Certificate, _ = machine.CertificateEnds(set.common.tlsCert)
		}
	}
	p.machine = m
	return m
}
