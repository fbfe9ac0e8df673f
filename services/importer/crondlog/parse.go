package crondlog

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Start is a start of a command that crond logged.
type Start struct {
	At      time.Time
	User    string
	Command string // as it is logged: without what stood behind %
	Line    int    // of the log, from 1
}

var (
	// (user) CMD (command); cronie also logs CMDOUT and CMDEND, which are no starts.
	started = regexp.MustCompile(`^\(([^)]*)\) CMD \((.*)\)\s*$`)
	daemon  = regexp.MustCompile(`(?i)^/?([\w./-]*/)?(crond?|anacron|cron\.[a-z]+)(\[\d+\])?:?$`)
	oldTime = regexp.MustCompile(`^(?:[A-Z][a-z]{2} )?([A-Z][a-z]{2}) +(\d{1,2}) (\d{2}:\d{2}:\d{2})(?:\.\d+)? `)
	newTime = regexp.MustCompile(`^(?:<\d+>\d? ?)?(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2})(?:[.,]\d+)?(Z|[+-]\d{2}:?\d{2})? `)
	// journalctl -o short-full: Sun 2026-11-29 02:30:01 CET
	fullTime = regexp.MustCompile(`^[A-Z][a-z]{2} (\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2})(?:\.\d+)? ([A-Z0-9+-]+) `)
)

// Parse reads a log. zone is that of times that have none, and now is behind all of them:
// the oldest form has no year. skipped are the lines of crond whose time cannot be read.
func Parse(text string, zone *time.Location, now time.Time) (starts []Start, skipped []int) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		s, ok, wrong := parse(strings.TrimRight(line, "\r\n"), zone, now)
		switch {
		case wrong:
			skipped = append(skipped, n)
		case ok:
			s.Line = n
			starts = append(starts, s)
		}
	}
	return starts, skipped
}

func parse(line string, zone *time.Location, now time.Time) (s Start, ok, wrong bool) {
	if strings.HasPrefix(line, "{") {
		return fromJSON(line)
	}
	at, rest, timed := when(line, zone, now)
	before, _, found := strings.Cut(rest, ") CMD (")
	open := strings.LastIndexByte(before, '(')
	if !found || open < 0 {
		return s, false, false
	}
	head := strings.Fields(rest[:open])
	if len(head) == 0 || !daemon.MatchString(head[len(head)-1]) {
		return s, false, false // somebody else says it
	}
	s, ok = command(rest[open:])
	s.At = at
	return s, ok && timed, ok && !timed
}

func command(message string) (s Start, ok bool) {
	m := started.FindStringSubmatch(message)
	if m == nil {
		return s, false
	}
	return Start{User: m[1], Command: m[2]}, true
}

// when reads the time that a line begins with.
func when(line string, zone *time.Location, now time.Time) (at time.Time, rest string, ok bool) {
	if m := newTime.FindStringSubmatch(line); m != nil {
		text := strings.Replace(m[1], " ", "T", 1)
		rest = line[len(m[0]):]
		if m[2] == "" {
			at, err := time.ParseInLocation("2006-01-02T15:04:05", text, zone)
			return at, rest, err == nil
		}
		offset := m[2]
		if len(offset) == 5 {
			offset = offset[:3] + ":" + offset[3:]
		}
		at, err := time.Parse(time.RFC3339, text+offset)
		return at, rest, err == nil
	}
	if m := fullTime.FindStringSubmatch(line); m != nil {
		in := zone
		if m[2] == "UTC" {
			in = time.UTC
		}
		at, err := time.ParseInLocation("2006-01-02 15:04:05", m[1], in)
		return at, line[len(m[0]):], err == nil
	}
	if m := oldTime.FindStringSubmatch(line); m != nil {
		year := now.In(zone).Year()
		for range 2 { // the newest that has been
			at, err := time.ParseInLocation("2006 Jan 2 15:04:05", strconv.Itoa(year)+" "+m[1]+" "+m[2]+" "+m[3], zone)
			if err == nil && !at.After(now.Add(24*time.Hour)) {
				return at, line[len(m[0]):], true
			}
			year--
		}
	}
	return at, line, false
}

// fromJSON reads a line of journalctl -o json.
func fromJSON(line string) (s Start, ok, wrong bool) {
	var entry struct {
		Time       string          `json:"__REALTIME_TIMESTAMP"` // µs since 1970
		Identifier string          `json:"SYSLOG_IDENTIFIER"`
		Message    json.RawMessage `json:"MESSAGE"`
	}
	if json.Unmarshal([]byte(line), &entry) != nil || entry.Identifier != "" && !daemon.MatchString(entry.Identifier) {
		return s, false, false
	}
	var message string
	if json.Unmarshal(entry.Message, &message) != nil {
		var raw []byte
		var list []int
		if json.Unmarshal(entry.Message, &list) != nil { // of bytes, where it is not UTF-8
			return s, false, false
		}
		for _, b := range list {
			raw = append(raw, byte(b))
		}
		message = string(raw)
	}
	if s, ok = command(message); !ok {
		return s, false, false
	}
	micros, err := strconv.ParseInt(entry.Time, 10, 64)
	s.At = time.UnixMicro(micros)
	return s, err == nil, err != nil
}
