//go:build faults

package faultpoint

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

var (
	began  = time.Now()
	faults = mustParse(os.Getenv("SPOOL_FAULT"))
)

// plan is what is to go wrong.
type plan struct {
	mu    sync.Mutex
	steps map[string]*strike
	step  time.Duration // of the clock
	after time.Duration // from when on
	each  time.Duration // of the disk
	until time.Duration
}

// strike is what happens at a step.
type strike struct {
	what  string // kill, stop, sleep
	sleep time.Duration
	at    int // the how-manieth time; 0 = each
	came  int
}

func mustParse(text string) *plan {
	p, err := parse(text)
	if err != nil {
		fmt.Fprintln(os.Stderr, "SPOOL_FAULT:", err)
		os.Exit(2)
	}
	return p
}

func parse(text string) (*plan, error) {
	p := &plan{steps: map[string]*strike{}}
	for fault := range strings.SplitSeq(text, ",") {
		if fault = strings.TrimSpace(fault); fault == "" {
			continue
		}
		name, what, ok := strings.Cut(fault, "=")
		if !ok {
			return nil, fmt.Errorf("%q is not name=what", fault)
		}
		if err := p.add(name, what); err != nil {
			return nil, fmt.Errorf("%q: %w", fault, err)
		}
	}
	return p, nil
}

func (p *plan) add(name, what string) (err error) {
	what, at, timed := strings.Cut(what, "@")
	kind, value, _ := strings.Cut(what, ":")
	switch {
	case name == "clock" && kind == "step", name == "disk" && kind == "delay":
		d, err := time.ParseDuration(value)
		if err != nil {
			return err
		}
		var when time.Duration
		if timed {
			if when, err = time.ParseDuration(at); err != nil {
				return err
			}
		}
		if name == "clock" {
			p.step, p.after = d, when
		} else {
			p.each, p.until = d, when
		}
		return nil
	case !slices.Contains(Steps, name):
		return fmt.Errorf("there is no step %q: one of %s", name, strings.Join(Steps, ", "))
	}
	s := &strike{what: kind}
	if timed {
		if s.at, err = strconv.Atoi(at); err != nil {
			return err
		}
	}
	switch kind {
	case "kill", "stop":
	case "sleep":
		if s.sleep, err = time.ParseDuration(value); err != nil {
			return err
		}
	default:
		return fmt.Errorf("%q is none of kill, stop, sleep", kind)
	}
	p.steps[name] = s
	return nil
}

// Hit says that the process has come to a step.
func Hit(step string) {
	s := faults.steps[step]
	if s == nil {
		return
	}
	faults.mu.Lock()
	s.came++
	due := s.at == 0 || s.came == s.at
	faults.mu.Unlock()
	if !due {
		return
	}
	fmt.Fprintf(os.Stderr, "SPOOL_FAULT: %s at %s\n", s.what, step)
	switch s.what {
	case "kill":
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		if err != nil {
			panic(err)
		}
		select {}
	case "stop":
		halt()
	case "sleep":
		time.Sleep(s.sleep)
	}
}

// Now is the time by the clock of this process.
func Now() time.Time {
	now := time.Now()
	if now.Sub(began) >= faults.after {
		now = now.Add(faults.step)
	}
	return now
}

// Disk is how long each access to the store is to wait, and until when after the
// start; 0 = not at all, or for ever.
func Disk() (each, until time.Duration) { return faults.each, faults.until }

// Variables are those of the environment that are read here.
var Variables = []string{"SPOOL_FAULT"}
