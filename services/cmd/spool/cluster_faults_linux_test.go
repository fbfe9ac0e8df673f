package main

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"
)

// fault is something that happens to a cluster, and what came of it.
type fault struct {
	what  string
	goal  string        // the row of [goals] that it is measured by
	tick  bool          // strikes 0.3 s before a minute
	lasts time.Duration // between do and undo
	do    func() (undo func())

	began, ended time.Time
	back         time.Duration // since the end, until all goes on
	never        bool
	calm         time.Duration // how long it took, since the last fault, until every machine was ready
}

// strikes are what happens to one machine in one round.
func (l *clusterLoad) strikes(m *member, brief bool) (all []*fault) {
	short := func(d time.Duration) time.Duration {
		if brief {
			return min(d, 3*time.Second)
		}
		return d
	}
	on := func(what string, lasts time.Duration, do func() func()) {
		all = append(all, &fault{what: m.name + ": " + what, lasts: short(lasts), do: do})
	}
	killed := func(which string) func() func() {
		return func() func() {
			procs := m.pick(which)
			m.kill(procs)
			return func() { m.startAgain(procs) }
		}
	}
	if len(m.procs) > 1 {
		on("kill -9 of the server", 4*time.Second, killed("server"))
		on("kill -9 of its roles", 2*time.Second, killed("roles"))
	}
	on("kill -9", 8*time.Second, killed("all"))
	on("SIGSTOP", 10*time.Second, func() func() {
		m.signal(m.procs, syscall.SIGSTOP)
		return func() { m.signal(m.procs, syscall.SIGCONT) }
	})
	on("SIGTERM and start", 0, func() func() {
		m.end(m.procs)
		m.startAgain(m.procs)
		return func() {}
	})
	if m.net.real() {
		on("cut off", 10*time.Second, func() func() {
			m.net.cut(m.number)
			return func() { m.net.heal(m.number) }
		})
	}
	if m.disk != nil {
		on("disk full", 10*time.Second, func() func() {
			giveBack := sync.OnceFunc(m.disk.Fill())
			m.Cleanup(giveBack)
			return func() {
				giveBack()
				if len(m.procs) > 1 { // a NATS of one's own is restarted when there is room, as services/broker/README.md says
					m.end(m.procs[:1])
					m.startAgain(m.procs[:1])
				}
			}
		})
	}
	return all
}

// onLeader strikes the machine that leads TRIGGERS when the moment has come.
func (l *clusterLoad) onLeader(what, goal string, lasts time.Duration, do func(m *member) (undo func())) *fault {
	f := &fault{goal: goal, tick: true, lasts: lasts}
	f.do = func() func() {
		m := l.leader("TRIGGERS")
		f.what = fmt.Sprintf("TRIGGERS' leader (%s) just before the minute: %s", m.name, what)
		return do(m)
	}
	f.what = "TRIGGERS' leader: " + what
	return f
}

// quorum takes two of three machines, dead or cut off from one another.
func (l *clusterLoad) quorum(lasts time.Duration) *fault {
	return &fault{what: "two of three machines dead", goal: "lost quorum", lasts: lasts, do: func() func() {
		for _, m := range l.machines[1:] {
			m.kill(m.procs)
		}
		return func() {
			for _, m := range l.machines[1:] {
				m.startAgain(m.procs)
			}
		}
	}}
}

func killLeader(m *member) func() {
	m.kill(m.procs)
	return func() { m.startAgain(m.procs) }
}

func endLeader(m *member) func() {
	m.end(m.procs)
	return func() { m.startAgain(m.procs) }
}

// rolling restarts everything, one machine after the other, as an upgrade does.
func (l *clusterLoad) rolling(what string, change func(*process)) *fault {
	return &fault{what: what, goal: "rolling", tick: true, do: func() func() {
		for _, m := range l.machines {
			m.end(m.procs)
			for _, pr := range m.procs {
				change(pr)
			}
			m.startAgain(m.procs)
			m.awaitReady(m.procs...)
			l.current()
		}
		return func() {}
	}}
}

// clocks has the clock of one machine be off, ahead or behind, over a minute: nothing is to be
// early, nothing twice. The machine's cron, or its serve, is built with the fault points.
func (l *clusterLoad) clocks(off time.Duration) *fault {
	m := l.machines[0]
	return &fault{what: fmt.Sprintf("%s: its clock is %s off", m.name, off), lasts: 5 * time.Second, do: func() func() {
		procs := slices.DeleteFunc(slices.Clone(m.procs), func(pr *process) bool { return pr.args[0] != "serve" && pr.args[0] != "cron" })
		set := func(binary string, env ...string) {
			m.end(procs)
			for _, pr := range procs {
				pr.binary, pr.env = binary, env
			}
			m.startAgain(procs)
		}
		set(l.stepped, fmt.Sprintf("SPOOL_FAULT=clock=step:%s", off))
		time.Sleep(time.Until(nextMinute().Add(2 * time.Second)))
		return func() { set("") }
	}}
}

// current waits until every stream has all its replicas.
func (l *clusterLoad) current() {
	l.eventually("every replica is current", func() bool {
		streams := l.js.ListStreams(l.Context())
		n := 0
		for info := range streams.Info() {
			n++
			if info.Cluster == nil || info.Cluster.Leader == "" {
				return false
			}
			for _, r := range info.Cluster.Replicas {
				if !r.Current {
					return false
				}
			}
		}
		return streams.Err() == nil && n >= 10
	})
}

// calm waits until every gateway is ready: an operator strikes one machine at a time, and
// not before the others have all they need.
func (l *clusterLoad) calm() time.Duration {
	began := time.Now()
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for _, m := range l.gateways {
		for time.Since(began) < time.Minute {
			resp, err := client.Get("http://" + m.at(portAPI) + "/readyz")
			if err == nil {
				_ = resp.Body.Close()
				if resp.StatusCode == http.StatusOK {
					break
				}
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	return time.Since(began)
}

// strike makes a fault, and waits until all goes on.
func (l *clusterLoad) strike(f *fault) {
	l.Helper()
	f.calm = l.calm()
	if f.tick {
		at := nextMinute().Add(-300 * time.Millisecond)
		if time.Until(at) < 0 {
			at = at.Add(time.Minute)
		}
		time.Sleep(time.Until(at))
	}
	f.began = time.Now()
	undo := f.do()
	time.Sleep(f.lasts)
	undo()
	f.ended = time.Now()
	for !l.goesOn(f.ended) {
		if time.Since(f.ended) > 2*time.Minute {
			f.never = true
			l.Errorf("%s: nothing goes on 2 min after its end", f.what)
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	f.back = time.Since(f.ended)
	time.Sleep(time.Second)
}
