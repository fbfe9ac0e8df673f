package main

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Three nats-servers that know nothing of Spool, with two of each role: each machine is
// killed, stopped, restarted, cut off and has a full disk, in turn, under load. There is one
// trigger for each slot and file, with one result, and nothing is missing.
func TestChaosClusterServers(t *testing.T) {
	minutes := chaosMinutes()
	if minutes == 0 {
		t.Skip("make chaos-cluster runs it: it takes minutes")
	}
	if !ownNetwork(t) {
		return
	}
	w := newTrio(t, true)
	l := newClusterLoad(w, scaleOf(1))
	l.endpoint()
	w.servers("--run-binary-url", l.url)
	l.jobs("flow.ibflowbin")
	l.chaos("Three nats-servers, two of each role", minutes, l.round)
}

// Three spool serve that are one cluster, as spool cluster init makes it, with flows of 0 to 5 s:
// the same, and each run ends once.
func TestChaosClusterServe(t *testing.T) {
	minutes := chaosMinutes()
	if minutes == 0 {
		t.Skip("make chaos-cluster runs it: it takes minutes")
	}
	if !ownNetwork(t) {
		return
	}
	w := newTrio(t, true)
	l := newClusterLoad(w, scaleOf(1))
	w.bundles()
	l.flows()
	l.jobs("timed.ibflowbin")
	l.chaos("Three spool serve --bundle", minutes, l.round)
}

// scaleOf is how much load there is: CHAOS_SCALE, or a default.
func scaleOf(usual float64) float64 {
	if s, err := strconv.ParseFloat(os.Getenv("CHAOS_SCALE"), 64); err == nil {
		return s
	}
	return usual
}

// A minute of it, with a tenth of the load.
func TestLongClusterChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: it strikes machines for a minute")
	}
	if !ownNetwork(t) {
		return
	}
	w := newTrio(t, true)
	l := newClusterLoad(w, scaleOf(0.1))
	w.bundles()
	l.flows()
	l.jobs("timed.ibflowbin")
	l.chaos("A minute of three spool serve --bundle", 0.75, l.minute)
}

// chaos makes faults under load for so many minutes, round by round, and judges.
func (l *clusterLoad) chaos(title string, minutes float64, round func() []*fault) {
	l.Helper()
	if minutes >= 1 {
		var err error
		if l.stepped, err = faulty(); err != nil {
			l.Fatal(err)
		}
	}
	end := l.run()
	time.Sleep(5 * time.Second)
	until := l.began.Add(time.Duration(minutes * float64(time.Minute)))
	stop := l.watchReady()
	only := regexp.MustCompile(os.Getenv("CHAOS_ONLY"))
	var done []*fault
	for len(done) == 0 || time.Now().Before(until) {
		for _, f := range round() {
			if len(done) > 0 && time.Now().Add(f.lasts).After(until) {
				break
			}
			if !only.MatchString(f.what) {
				continue
			}
			l.strike(f)
			done = append(done, f)
		}
	}
	end()
	stop()
	l.judge()
	l.report(title, done)
}

// round is every fault once: in ten minutes there is time for one and a half.
func (l *clusterLoad) round() (all []*fault) {
	brief := chaosMinutes() < 5
	all = append(all, l.onLeader("kill -9", "dead leader", 5*time.Second, killLeader))
	for i, m := range l.machines {
		all = append(all, l.strikes(m, brief)...)
		if i == 0 {
			all = append(all, l.onLeader("SIGTERM", "planned stop", 2*time.Second, endLeader))
		}
	}
	lasts := 30 * time.Second
	if brief {
		lasts = 10 * time.Second
	}
	return append(all, l.quorum(lasts), l.rolling("rolling restart of all machines", func(*process) {}), l.clocks(-40*time.Second), l.clocks(40*time.Second))
}

// minute is one fault of each kind, each of another machine.
func (l *clusterLoad) minute() (all []*fault) {
	of := map[string]*member{"kill -9": l.machines[1], "cut off": l.machines[2], "SIGTERM and start": l.machines[1], "SIGSTOP": l.machines[0], "disk full": l.machines[2]}
	for _, m := range l.machines {
		for _, f := range l.strikes(m, true) {
			if what := strings.TrimPrefix(f.what, m.name+": "); of[what] == m {
				all = append(all, f)
			}
		}
	}
	return append(all, l.quorum(5*time.Second))
}
