package broker

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// bridge passes the server's log on. The server formats its own messages; they
// are one attribute here.
type bridge struct {
	log    *slog.Logger
	faults *sample
}

func (b bridge) Noticef(f string, a ...any) { b.log.Debug("NATS notice", "text", clip(f, a)) }

// usual begins what is no fault in a cluster: what others say better, or what ends with a stop.
var usual = []string{"Error trying to connect to route", "Failed to install snapshot for", "Waiting for routing to be established", "JetStream has not established contact with a meta leader"}

func isUsual(text string) bool {
	return slices.ContainsFunc(usual, func(begin string) bool { return strings.HasPrefix(text, begin) })
}

func (b bridge) Warnf(f string, a ...any) {
	text := clip(f, a)
	if isUsual(text) {
		b.log.Debug("NATS warning", "text", text)
	} else if n, ok := b.faults.take(time.Now()); ok {
		b.log.Warn("NATS warning", "text", text, "left_out", n)
	}
}

func (b bridge) Errorf(f string, a ...any) {
	text := clip(f, a)
	if isUsual(text) {
		b.log.Debug("NATS error", "text", text)
	} else if n, ok := b.faults.take(time.Now()); ok {
		b.log.Error("NATS error", "text", text, "left_out", n)
	}
}

func (b bridge) Debugf(f string, a ...any) { b.log.Debug("NATS debug", "text", clip(f, a)) }
func (b bridge) Tracef(string, ...any)     {}

// Fatalf ends the process, as the server expects of it: it goes on to rely on what is not there.
func (b bridge) Fatalf(f string, a ...any) {
	b.log.Error("NATS cannot go on", "text", fmt.Sprintf(f, a...))
	os.Exit(1)
}

// maxText is how much of a line is logged: clients choose the subjects in it.
const maxText = 1024

func clip(f string, a []any) string {
	text := fmt.Sprintf(f, a...)
	if len(text) > maxText {
		return text[:maxText] + "…"
	}
	return text
}

// faultsAtOnce and faultsEvery bound the lines that clients can cause, by what they
// may not and by failing to authenticate.
const (
	faultsAtOnce = 50
	faultsEvery  = 200 * time.Millisecond
)

// sample lets faultsAtOnce through and then one each faultsEvery.
type sample struct {
	mu      sync.Mutex
	full    time.Time // when all of faultsAtOnce may come again
	leftOut int
}

// take reports whether a line is let through, and how many before it were not.
func (s *sample) take(now time.Time) (leftOut int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full.Before(now) {
		s.full = now
	}
	if s.full.Sub(now) > (faultsAtOnce-1)*faultsEvery {
		s.leftOut++
		return 0, false
	}
	s.full = s.full.Add(faultsEvery)
	leftOut, s.leftOut = s.leftOut, 0
	return leftOut, true
}
