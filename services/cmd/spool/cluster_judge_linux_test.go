package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
)

// judge waits until everything was called for, and sees that nothing is missing, doubled
// or dishonest.
func (l *clusterLoad) judge() {
	l.Helper()
	l.Cleanup(func() {
		if l.Failed() {
			l.explain()
		}
	})
	wanted := l.settle()
	results := timesOf(read(l.harness, l.bus().Results("")), func(r events.Result) string { return r.TriggerID })
	l.each("missing or twice", wanted, func(id string) string {
		if n := results[id]; n != 1 {
			return fmt.Sprintf("%d results", n)
		}
		return ""
	})
	known := map[string]bool{}
	for id := range wanted {
		known[id] = true
	}
	for id := range results {
		if minute := events.TriggeredAfter(id); !known[id] && !strings.HasPrefix(id, "cron:") {
			l.Errorf("a result that nobody asked for: %s, after %s", id, minute)
		}
	}
	for _, dead := range read(l.harness, l.bus().DeadLetters("")) {
		l.Errorf("dead letter: %+v", dead)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, text := range l.odd {
		if i == 10 {
			l.Errorf("and %d more", len(l.odd)-i)
			break
		}
		l.Errorf("dishonest: %s", text)
	}
	again := 0
	for _, times := range l.calls {
		again += len(times) - 1
	}
	l.Logf("%d slots, %d files, %d triggers: each called for, %d calls repeated with the same key, one result each; %d tries of the API refused or without an answer",
		len(l.clock)*int(l.last-l.first+1), len(l.files), len(l.clicks), again, len(l.refuse))
}

// settle waits until all that was asked for has a result.
func (l *clusterLoad) settle() (wanted map[string]string) {
	l.Helper()
	began := time.Now()
	for len(l.missing()) > 0 {
		if time.Since(began) > 3*time.Minute {
			list := l.missing()
			l.Errorf("%d are missing 3 min after the load, the first is %s", len(list), list[0])
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	wanted = l.wanted()
	bus := l.bus()
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(500 * time.Millisecond) {
		results := timesOf(read(l.harness, bus.Results("")), func(r events.Result) string { return r.TriggerID })
		left := 0
		for id := range wanted {
			if results[id] == 0 {
				left++
			}
		}
		if left == 0 {
			break
		}
	}
	return wanted
}

// each reports what is wrong with some of many, the first ten in words.
func (l *clusterLoad) each(what string, of map[string]string, wrong func(id string) string) {
	l.Helper()
	n := 0
	for _, id := range slices.Sorted(maps.Keys(of)) {
		if text := wrong(id); text != "" {
			if n++; n <= 10 {
				l.Errorf("%s: %s (%s): %s", what, of[id], id, text)
			}
		}
	}
	if n > 10 {
		l.Errorf("%s: %d in all", what, n)
	}
}

// explain prints what the processes had to say of trouble.
func (l *clusterLoad) explain() {
	dir := filepath.Join(os.TempDir(), "chaos-cluster-logs")
	_ = os.MkdirAll(dir, 0o755)
	for _, m := range l.machines {
		text := m.said
		for _, pr := range m.procs {
			text += "==== " + strings.Join(pr.args, " ") + "\n" + pr.log.String()
		}
		_ = os.WriteFile(filepath.Join(dir, m.name+".log"), []byte(text), 0o644)
	}
	l.Logf("the logs of all machines are in %s", dir)
}

// table is the report: each fault with the gap that it made.
func (l *clusterLoad) table(title string, faults []*fault) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "### %s, %s\n\n", title, time.Now().UTC().Format("2006-01-02 15:04 UTC"))
	b.WriteString("| Fault | Lasted | Ticks late, p50 / max | Triggers accepted after, max (tries) | Slowest file | First 503 after; what it says | All goes on after |\n")
	b.WriteString("|---|---|---|---|---|---|---|\n")
	calm := &fault{what: "none", began: l.began, ended: l.began.Add(5 * time.Second)}
	for _, f := range append([]*fault{calm}, faults...) {
		until := f.ended.Add(f.back)
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", f.what, seconds(f.ended.Sub(f.began)),
			l.ticks(f.began, until), l.accepted(f.began, until), l.slowest(f.began, until), l.said503(f.began, until), back(f))
	}
	return b.String()
}

func back(f *fault) string {
	if f.never {
		return "**never**"
	}
	return seconds(f.back)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// ticks gives how late the slots of the minutes between two moments were called for.
func (l *clusterLoad) ticks(from, until time.Time) string {
	var late []time.Duration
	for minute := events.MinuteOf(from); minute <= events.MinuteOf(until); minute++ {
		if minute.Time().Before(from) || minute < l.first || minute > l.last {
			continue
		}
		for _, job := range l.clock {
			if calls := l.calls[events.CronTriggerID(job, minute)]; len(calls) > 0 {
				late = append(late, calls[0].Sub(minute.Time()))
			}
		}
	}
	if len(late) == 0 {
		return "–"
	}
	slices.Sort(late)
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

var detail = regexp.MustCompile(`"(?:detail|msg|title)":"([^"]*)"`)

// said503 gives the first 503 after a moment, and what it says.
func (l *clusterLoad) said503(from, until time.Time) string {
	all := slices.Clone(l.refuse)
	slices.SortFunc(all, func(a, b refusal) int { return a.at.Compare(b.at) })
	for _, r := range all {
		if r.status == 503 && r.at.After(from) && r.at.Before(until) {
			text := r.text
			if m := detail.FindAllStringSubmatch(text, -1); len(m) > 0 {
				text = m[len(m)-1][1]
			}
			return fmt.Sprintf("%s: %s", seconds(r.at.Sub(from)), cmp.Or(strings.TrimSpace(text[:min(len(text), 160)]), "nothing"))
		}
	}
	return "–"
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
