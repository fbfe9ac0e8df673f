package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
	"spool.internal/events/jet"
	"spool.internal/events/wait"
	"spool.internal/services/daemon/machine"
)

// roleNames are what /system calls the parts of Spool.
var roleNames = []string{brokerRole, "runner", "dispatcher", "notify", "cron", "watcher", "gateway"}

// presence is what a process says of itself again and again, once for each of its roles.
type presence struct {
	in    *instance
	bus   *jet.Bus
	state events.RoleState
	begun time.Time

	looked  time.Time // when the machine was last looked at
	machine events.MachineState
	told    time.Time // when the drives were last looked at
	said    time.Time // when this was last said
	step    events.ClockStep
}

// present has a role say how it is, from now until it stops.
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
		Place: in.place(), Boot: bootOf(in.place()),
	}}
	if role == "gateway" && in.place() != "" {
		p.state.API = in.peerURL()
	}
	in.Go(role+" state", p.repeat)
}

// repeat says how the role is every few seconds, and as soon as a start is over. Last it
// says that it stops.
func (p *presence) repeat(ctx context.Context) error {
	for ctx.Err() == nil {
		p.say(ctx, time.Now())
		said := time.Now()
		for time.Since(said) < events.RoleEvery {
			every := events.RoleEvery
			if starts := time.Since(p.begun) < events.RoleAwayAfter; starts && !p.state.Ready {
				every = 100 * time.Millisecond
			}
			if wait.Sleep(ctx, every) != nil || !p.state.Ready && len(p.why()) == 0 {
				break
			}
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second/2)
	defer cancel()
	p.state.Stopped = true
	p.say(last, time.Now())
	return nil
}

// say publishes the state; the next time is another chance for one that cannot be stored.
func (p *presence) say(ctx context.Context, now time.Time) {
	s := &p.state
	s.Why, s.Held = p.why(), p.in.held()
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
	case s.Role == "notify":
		s.Waiting = p.notices()
	}
	s.Clock = faultpoint.Now().UTC()
	limited, cancel := context.WithTimeout(ctx, events.RoleEvery/2)
	defer cancel()
	if err := p.bus.PutRole(limited, *s); err != nil && ctx.Err() == nil {
		p.in.Log.Debug("the state of a role is not stored", "role", s.Role, "error", err.Error())
	}
}

// why lists what keeps the role from being ready: its own parts, and those that all roles
// of this process need.
func (p *presence) why() (why []string) {
	for part, reason := range p.in.NotReady() {
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

// notices adds up what waits to be told, out of the metrics of this process.
func (p *presence) notices() *events.NoticesState {
	n := &events.NoticesState{}
	all, err := p.in.Metrics.Gather()
	if err != nil {
		return n
	}
	for _, family := range all {
		if family.GetName() != "spool_notify_waiting" {
			continue
		}
		for _, m := range family.GetMetric() {
			queue := ""
			for _, l := range m.GetLabel() {
				queue = cmp.Or(queue, l.GetValue())
			}
			if v := int(m.GetGauge().GetValue()); strings.Contains(queue, "mail") {
				n.Mails += v
			} else {
				n.Webhooks += v
			}
		}
	}
	return n
}
