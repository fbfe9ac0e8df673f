package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
)

// table is the report: each fault with the gap that it made.
func (l *clusterLoad) table(title string, faults []*fault) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "### %s, %s\n\n", title, time.Now().UTC().Format("2006-01-02 15:04 UTC"))
	b.WriteString("| Fault | Lasted | Ticks late, p50 / max | Triggers accepted after, max (tries) | Slowest file | First 503 after; what it says | All goes on after; every machine ready |\n")
	b.WriteString("|---|---|---|---|---|---|---|\n")
	calm := &fault{what: "none", began: l.began, ended: l.began.Add(5 * time.Second)}
	list := append([]*fault{calm}, faults...)
	for i, f := range list {
		until := f.ended.Add(f.back)
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", f.what, seconds(f.ended.Sub(f.began)),
			l.ticks(f.began, until), l.accepted(f.began, until), l.slowest(f.began, until), l.said503(f.began, until), back(f, list[min(i+1, len(list)-1)]))
	}
	return b.String() + l.goals(faults)
}

// goals are times that were promised, beside what they were: no test fails by them.
func (l *clusterLoad) goals(faults []*fault) string {
	var b strings.Builder
	b.WriteString("\n| Goal | Found |\n|---|---|\n")
	row := func(goal, what string, most time.Duration, find func(f *fault) (time.Duration, bool)) {
		longest, n := time.Duration(0), 0
		for _, f := range faults {
			if d, ok := find(f); f.goal == goal && ok {
				longest, n = max(longest, d), n+1
			}
		}
		switch {
		case n == 0:
			fmt.Fprintf(&b, "| %s: at most %s | not tried |\n", what, most)
		case longest <= most:
			fmt.Fprintf(&b, "| %s: at most %s | %s of %d |\n", what, most, seconds(longest), n)
		default:
			fmt.Fprintf(&b, "| %s: at most %s | **%s** of %d |\n", what, most, seconds(longest), n)
		}
	}
	late := func(f *fault) (time.Duration, bool) {
		all := l.lateness(f.began, f.ended.Add(f.back))
		if len(all) == 0 {
			return 0, false
		}
		return all[len(all)-1], true
	}
	row("dead leader", "the tick after a dead leader is late", 10*time.Second, late)
	row("planned stop", "the tick after SIGTERM is late", time.Second, late)
	row("rolling", "ticks through a rolling restart are late", time.Second, late)
	row("lost quorum", "the API says 503 with the stream after the quorum is lost", 5*time.Second, func(f *fault) (time.Duration, bool) {
		r, ok := l.first503(f.began, f.ended.Add(f.back), streamName)
		return r.at.Sub(f.began), ok
	})
	row("lost quorum", "/readyz says so", 5*time.Second, func(f *fault) (time.Duration, bool) {
		r, ok := l.notReady(f.began, f.ended)
		return r.at.Sub(f.began), ok
	})
	row("lost quorum", "all goes on after its return", 10*time.Second, func(f *fault) (time.Duration, bool) { return f.back, !f.never })
	return b.String()
}

var streamName = regexp.MustCompile(`\b(JOBS|TRIGGERS|FILES|RUNS|RESULTS|RUN_EVENTS|DEADLETTERS|SLOTS|STATE|TOKENS|SUBSCRIBERS|DRIVES|NOTIFICATIONS|BULKS)\b`)

func back(f, next *fault) string {
	if f.never {
		return "**never**"
	}
	if f == next {
		return seconds(f.back)
	}
	return seconds(f.back) + "; " + seconds(f.back+time.Second+next.calm)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// lateness gives how late the slots of the minutes between two moments were called for.
func (l *clusterLoad) lateness(from, until time.Time) (late []time.Duration) {
	for minute := events.MinuteOf(from); minute <= events.MinuteOf(until); minute++ {
		if minute.Time().Before(from) || minute < l.first || minute > l.last {
			continue
		}
		for _, job := range l.clock {
			if calls := l.calls[l.key(events.CronTriggerID(job, minute))]; len(calls) > 0 {
				late = append(late, calls[0].Sub(minute.Time()))
			}
		}
	}
	slices.Sort(late)
	return late
}

func (l *clusterLoad) ticks(from, until time.Time) string {
	late := l.lateness(from, until)
	if len(late) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f / %.2f s", late[len(late)/2].Seconds(), late[len(late)-1].Seconds())
}

// accepted gives how long the slowest of the triggers between two moments took to be accepted.
func (l *clusterLoad) accepted(from, until time.Time) string {
	slow, tries := time.Duration(0), 0
	for _, c := range l.clicks {
		if c.began.After(from) && c.began.Before(until) && !c.accepted.IsZero() && c.accepted.Sub(c.began) > slow {
			slow, tries = c.accepted.Sub(c.began), c.tries
		}
	}
	return fmt.Sprintf("%.2f s (%d)", slow.Seconds(), tries)
}

func (l *clusterLoad) slowest(from, until time.Time) string {
	slow := time.Duration(0)
	for _, f := range l.files {
		if calls := l.calls[f.id]; f.began.After(from) && f.began.Before(until) && len(calls) > 0 {
			slow = max(slow, calls[0].Sub(f.began))
		}
	}
	return fmt.Sprintf("%.2f s", slow.Seconds())
}

// first503 gives the first 503 between two moments whose text has something.
func (l *clusterLoad) first503(from, until time.Time, has *regexp.Regexp) (refusal, bool) {
	return first(l.refuse, from, until, func(r refusal) bool { return r.status == http.StatusServiceUnavailable && has.MatchString(r.text) })
}

// notReady gives the first time that a machine that lives said it was not ready.
func (l *clusterLoad) notReady(from, until time.Time) (refusal, bool) {
	return first(l.readies, from, until, func(refusal) bool { return true })
}

func first(of []refusal, from, until time.Time, is func(refusal) bool) (found refusal, ok bool) {
	for _, r := range of {
		if r.at.After(from) && r.at.Before(until) && is(r) && (!ok || r.at.Before(found.at)) {
			found, ok = r, true
		}
	}
	return found, ok
}

var (
	saidIn   = regexp.MustCompile(`"(?:detail|msg|title)":"([^"]*)"`)
	anything = regexp.MustCompile("")
)

// said503 gives the first 503 between two moments, and what it says; and what /readyz says.
func (l *clusterLoad) said503(from, until time.Time) string {
	said := "–"
	if r, ok := l.first503(from, until, anything); ok {
		said = l.refused(r, from)
	}
	if r, ok := l.first503(from, until, streamName); ok && said != l.refused(r, from) {
		said += "; " + l.refused(r, from)
	}
	if r, ok := l.notReady(from, until); ok {
		said += "; readyz: " + l.refused(r, from)
	}
	return said
}

func (l *clusterLoad) refused(r refusal, from time.Time) string {
	text := r.text
	if m := saidIn.FindAllStringSubmatch(text, -1); len(m) > 0 {
		text = m[len(m)-1][1]
	}
	text = strings.ReplaceAll(strings.TrimSpace(text), "|", "/")
	if len(text) > 160 {
		text = strings.ToValidUTF8(text[:160], "") + "…"
	}
	return seconds(r.at.Sub(from)) + ": " + text
}

// watchReady asks every gateway whether it is ready, until it is stopped.
func (l *clusterLoad) watchReady() (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{}}
	look := func(m *member) {
		resp, err := client.Get("http://" + m.at(portAPI) + "/readyz")
		if err != nil {
			return
		}
		defer resp.Body.Close()
		var says struct {
			Ready bool            `json:"ready"`
			Why   json.RawMessage `json:"not_ready"`
		}
		if err := json.NewDecoder(resp.Body).Decode(&says); err == nil && !says.Ready {
			l.mu.Lock()
			l.readies = append(l.readies, refusal{time.Now(), resp.StatusCode, m.name + " " + string(says.Why)})
			l.mu.Unlock()
		}
	}
	go func() {
		defer close(ended)
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case <-time.After(200 * time.Millisecond):
				look(l.gateways[n%len(l.gateways)])
			}
		}
	}()
	return func() { close(done); <-ended; client.CloseIdleConnections() }
}

// report prints the table and writes it into the folder of what is built.
func (l *clusterLoad) report(title string, faults []*fault) {
	text := l.table(title, faults)
	fmt.Println(text)
	file := filepath.Join("..", "..", "..", "bin", "chaos-cluster.md")
	err := os.MkdirAll(filepath.Dir(file), 0o755)
	if err == nil {
		had, _ := os.ReadFile(file)
		err = os.WriteFile(file, append(had, []byte(text+"\n")...), 0o644)
	}
	if err != nil {
		l.Error(err)
	}
}
