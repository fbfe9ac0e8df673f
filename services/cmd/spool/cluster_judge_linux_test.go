package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// judge waits until everything was called for, and sees that nothing is missing, doubled
// or dishonest.
func (l *clusterLoad) judge() {
	l.Helper()
	wanted, results := l.settle()
	l.each("missing or twice", wanted, func(id string) string {
		switch r := results[id]; {
		case r.n != 1:
			return fmt.Sprintf("%d results", r.n)
		case r.wrong != "":
			return r.wrong
		}
		return ""
	})
	known := map[string]bool{}
	for id := range wanted {
		known[id] = true
	}
	for id, r := range results {
		if !known[id] && r.kind != events.KindCron {
			l.Errorf("a result that nobody asked for: %s", id)
		}
	}
	for _, dead := range read(l.harness, l.bus().DeadLetters("")) {
		l.Errorf("dead letter: %+v", dead)
	}
	if l.url == "" {
		l.judgeRuns(wanted)
	}
	l.judgeClock()
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

// judgeClock sees that nothing was called for before its time.
func (l *clusterLoad) judgeClock() {
	l.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, job := range l.clock {
		for minute := l.first; minute <= l.last; minute++ {
			if calls := l.calls[l.key(events.CronTriggerID(job, minute))]; len(calls) > 0 && calls[0].Before(minute.Time().Add(-50*time.Millisecond)) {
				l.Errorf("the slot %s of %s was called for %s early", minute.Time().Format("15:04"), job, minute.Time().Sub(calls[0]))
			}
		}
	}
}

// resulted is what is stored of one execution.
type resulted struct {
	n     int
	kind  events.Kind
	wrong string
}

func (l *clusterLoad) results(bus *jet.Bus) map[string]resulted {
	all := map[string]resulted{}
	for _, r := range read(l.harness, bus.Results("")) {
		key := l.key(r.TriggerID)
		of := all[key]
		of.n, of.kind = of.n+1, r.Kind
		if r.Status != events.OK {
			of.wrong = r.HTTP.Status + " " + r.HTTP.Response
		}
		all[key] = of
	}
	return all
}

// settle waits until all that was asked for has a result, and returns both as they were read
// together: another read may ask a copy of the stream that is behind, or be cut short.
func (l *clusterLoad) settle() (wanted map[string]string, results map[string]resulted) {
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
		results = l.results(bus)
		left := 0
		for id := range wanted {
			if results[id].n == 0 {
				left++
			}
		}
		if left == 0 {
			break
		}
	}
	return wanted, results
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
func (w *trio) explain() {
	dir := filepath.Join(os.TempDir(), "chaos-cluster-logs")
	_ = os.MkdirAll(dir, 0o755)
	for _, m := range w.machines {
		var text strings.Builder
		text.WriteString(m.said)
		for _, pr := range m.procs {
			text.WriteString("==== " + strings.Join(pr.args, " ") + "\n" + pr.log.String())
		}
		_ = os.WriteFile(filepath.Join(dir, m.name+".log"), []byte(text.String()), 0o644)
	}
	w.Logf("the logs of all machines are in %s", dir)
}
