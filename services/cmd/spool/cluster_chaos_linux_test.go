package main

import (
	"os"
	"regexp"
	"strconv"
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
	l.chaos("Three nats-servers, two of each role", minutes)
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
	l.chaos("Three spool serve --bundle", minutes)
}

// scaleOf is how much load there is: CHAOS_SCALE, or a default.
func scaleOf(usual float64) float64 {
	if s, err := strconv.ParseFloat(os.Getenv("CHAOS_SCALE"), 64); err == nil {
		return s
	}
	return usual
}

// chaos makes faults under load for so many minutes, and judges.
func (l *clusterLoad) chaos(title string, minutes float64) {
	l.Helper()
	end := l.run()
	time.Sleep(5 * time.Second)
	until := l.began.Add(time.Duration(minutes * float64(time.Minute)))
	stop := l.watchReady()
	only := regexp.MustCompile(os.Getenv("CHAOS_ONLY"))
	var done []*fault
	for len(done) == 0 || time.Now().Before(until) {
		for _, f := range l.round(minutes < 5) {
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

// round is every fault once.
func (l *clusterLoad) round(brief bool) (all []*fault) {
	all = append(all, l.onLeader("kill -9", "dead leader", 5*time.Second, killLeader))
	for _, m := range l.machines {
		all = append(all, l.strikes(m, brief)...)
	}
	all = append(all, l.onLeader("SIGTERM", "planned stop", 2*time.Second, endLeader), l.rolling("rolling restart of all machines", func(*process) {}))
	lasts := 30 * time.Second
	if brief {
		lasts = 10 * time.Second
	}
	return append(all, l.quorum(lasts))
}
