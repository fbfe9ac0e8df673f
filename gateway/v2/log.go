package v2

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"spool.internal/events"
	"spool.internal/events/spelling"
	"spool.internal/gateway/wire"
)

// headers of an answer with a log.
const (
	headerLogOffset = "Spool-Log-Offset"
	headerLogSize   = "Spool-Log-Size"
)

// maxTail is how many lines of its end may be asked for.
const maxTail = 1_000_000

// tail is the end of a log that is asked for: lines, or bytes.
type tail struct{ lines, bytes int64 }

func (t tail) given() bool { return t.lines > 0 || t.bytes > 0 }

// readTail reads how much of the end is asked for.
func readTail(q *wire.Query) (t tail) {
	text := q.Text("tail")
	if text == "" {
		return t
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil && n > 0 && n <= maxTail {
		return tail{lines: n}
	}
	if err != nil {
		if t.bytes, err = spelling.Size(text); err == nil && t.bytes > 0 {
			return t
		}
	}
	q.Fail("tail", strconv.Quote(text)+" is neither a number of lines from 1 to 1000000 nor a size such as 64KiB")
	return tail{}
}

func (a *API) getLog(w http.ResponseWriter, r *http.Request) error {
	q := wire.ReadQuery(r, "tail", "follow", "offset", "last_event_id")
	end := readTail(q)
	follow := follows(r, q)
	place := readPlace(r, q, follow, end)
	if q.Err() != nil {
		return q.Err()
	}
	s, err := a.story(r.Context(), a.Caller(r), triggerID(r))
	if err == nil {
		err = a.Caller(r).Reaches(s.job)
	}
	if err != nil {
		return err
	}
	if follow {
		return a.followLog(w, r, s, place, end)
	}
	runner, host, err := s.runnerOf("log")
	if err != nil {
		return err
	}
	ask := events.LogAsk{FlowJobID: s.flow, Lines: end.lines, Bytes: end.bytes}
	if end.given() {
		ask.Most = events.MaxPart
	}
	part, text, err := a.asks().AskLog(r.Context(), runner, ask)
	if err != nil {
		return runnerAway(err, host)
	}
	w.Header().Set(headerLogSize, strconv.FormatInt(part.Size, 10))
	wire.Attach(w.Header(), "run-"+s.flow+".log")
	content := wire.Content{Size: part.Size, Modified: part.Modified, Type: "text/plain; charset=utf-8"}
	content.ReadSeeker = &remote{read: a.partOf(r.Context(), runner, host, s.flow), size: part.Size}
	switch {
	case !end.given():
		w.Header().Set(headerLogOffset, "0")
		content.Serve(w, r)
	case part.Offset < 0:
		latest := &latest{a: a, r: r, runner: runner, host: host, ask: events.LogAsk{FlowJobID: s.flow, Offset: part.Size, Printed: part.Printed, Most: events.MaxPart}, text: text}
		w.Header().Set("Content-Type", content.Type)
		writeTail(w, r, latest)
	default:
		file := &remote{read: a.partOf(r.Context(), runner, host, s.flow), size: part.Size, at: part.Offset, part: text, from: part.Offset}
		w.Header().Set(headerLogOffset, strconv.FormatInt(part.Offset, 10))
		w.Header().Set("Content-Type", content.Type)
		w.Header().Set("Content-Length", strconv.FormatInt(part.Size-part.Offset, 10))
		writeTail(w, r, file)
	}
	return nil
}

// writeTail answers with the end of a log. When its runner goes meanwhile the answer is broken
// off: what is missing cannot be taken for the end.
func writeTail(w http.ResponseWriter, r *http.Request, text io.Reader) {
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	control := http.NewResponseController(w)
	extend := func() { _ = control.SetWriteDeadline(inAMinute()) }
	if _, err := io.Copy(w, &paced{text, extend}); err != nil && r.Context().Err() == nil {
		panic(http.ErrAbortHandler)
	}
}

// latest reads what a run with a full log has printed last.
type latest struct {
	a            *API
	r            *http.Request
	runner, host string
	ask          events.LogAsk
	text         []byte
}

func (l *latest) Read(p []byte) (int, error) {
	if len(l.text) == 0 {
		part, text, err := l.a.asks().AskLog(l.r.Context(), l.runner, l.ask)
		if err != nil {
			return 0, runnerAway(err, l.host)
		}
		if part.Offset >= 0 || len(text) == 0 { // all that there was, or its attempt has ended
			return 0, io.EOF
		}
		l.ask.Printed, l.text = part.Printed, text
	}
	n := copy(p, l.text)
	l.text = l.text[n:]
	return n, nil
}

// follows reports that a log is to be followed.
func follows(r *http.Request, q *wire.Query) bool {
	if text := q.Text("follow"); text != "" {
		follow, err := strconv.ParseBool(text)
		if err != nil {
			q.Fail("follow", strconv.Quote(text)+" is neither true nor false")
		}
		return follow
	}
	return strings.Contains(r.Header.Get("Accept"), "text/event-stream")
}

// readPlace reads where a follower begins, or left off; -1 is with the end that is asked for.
func readPlace(r *http.Request, q *wire.Query, follow bool, end tail) int64 {
	key, text := "Last-Event-ID", r.Header.Get("Last-Event-ID")
	if text == "" {
		key, text = "last_event_id", q.Text("last_event_id")
	}
	if text == "" {
		key, text = "offset", q.Text("offset")
	}
	switch {
	case text == "" && end.given():
		return -1
	case text == "":
		return 0
	case !follow && key != "Last-Event-ID":
		q.Fail(key, "is for follow=true: send a Range")
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		q.Fail(key, strconv.Quote(text)+" is no place in a log: it is a number of bytes")
	}
	return n
}
