package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

// An older spool and this one side by side: the roles of one machine are upgraded, both
// versions work under faults, then the other machine's are.
func TestChaosClusterUpgrade(t *testing.T) {
	old := os.Getenv("OLD")
	if old == "" {
		t.Skip("make chaos-cluster runs it with OLD=path of an older spool")
	}
	if !ownNetwork(t) {
		return
	}
	w := newTrio(t, false)
	w.old = old
	l := newClusterLoad(w, scaleOf(0.5))
	l.lenient = true // an older gateway may answer 500 while a leader is away
	l.endpoint()
	w.servers("--run-binary-url", l.url)
	l.jobs("flow.ibflowbin")
	l.chaos("From "+versionSaid(t, old)+" to this one", 4, l.upgrade)
}

func versionSaid(t *testing.T, program string) string {
	w := &process{p: &harness{TB: t}, binary: program, args: []string{"version"}, log: &lockedBuffer{}}
	w.launch()
	_ = w.cmd.Wait()
	return strings.TrimSpace(strings.SplitN(w.log.String(), "\n", 2)[0])
}

// upgrade changes the roles of the first machine, then those of the second, with faults
// while both versions are there.
func (l *clusterLoad) upgrade() []*fault {
	change := func(m *member) *fault {
		return &fault{what: m.name + ": its roles are upgraded", do: func() func() {
			roles := m.pick("roles")
			m.end(roles)
			for _, pr := range roles {
				pr.binary = ""
			}
			m.startAgain(roles)
			m.awaitReady(roles...)
			return func() {}
		}}
	}
	kill := func(m *member) *fault {
		return &fault{what: m.name + ": kill -9 of its roles", lasts: 2 * time.Second, do: func() func() {
			roles := m.pick("roles")
			m.kill(roles)
			return func() { m.startAgain(roles) }
		}}
	}
	first, second := l.machines[0], l.machines[1]
	return []*fault{
		change(first), kill(first), kill(second), l.onLeader("kill -9", "dead leader", 5*time.Second, killLeader),
		change(second), l.rolling("rolling restart of all machines", func(*process) {}),
	}
}
