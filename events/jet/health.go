package jet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/wait"
)

// Needs are the streams that a service cannot do without. What it only writes to it
// may not read: that one is asked for its state.
type Needs struct{ Reads, Writes []string }

// EveryStream is what a service needs that does everything.
func EveryStream() Needs {
	var all []string
	for _, cfg := range (Topology{}).streams() {
		all = append(all, cfg.Name)
	}
	return Needs{Reads: all, Writes: all}
}

// How long the leader of a stream may take to answer, and how long its answer counts.
const (
	leaderPatience = 3 * time.Second
	leaderFresh    = time.Second
)

// health is what a bus knows of the streams.
type health struct {
	asking sync.Mutex // held by who asks the leaders; guards asked
	asked  time.Time  // when all had answered, or had not

	mu      sync.Mutex
	heard   map[string]time.Time // when the leader of a stream last answered
	silent  map[string]trouble   // streams whose leaders did not
	broken  map[string]trouble   // streams that refuse what is written
	probing map[string]bool      // streams into which a probe is being written, now and then
	trouble time.Time            // see [Bus.Trouble]
}

// trouble is what is wrong with a stream.
type trouble struct {
	text   string
	since  time.Time
	quorum bool // too few replicas: what its leader answers does not end it
}

func newHealth() health {
	return health{heard: map[string]time.Time{}, silent: map[string]trouble{}, broken: map[string]trouble{}, probing: map[string]bool{}}
}

// Check reports why the bus cannot be used now, or nil: it is not connected, is not
// allowed something, a stream that the service needs has no leader, or one refuses
// what is written. It asks when nobody has asked for a second, and waits for the
// answers for up to 3 s.
func (b *Bus) Check() error {
	if err := b.denials.err(); err != nil {
		return err
	}
	if !b.nc.IsConnected() {
		return fmt.Errorf("not connected to NATS since %s", time.Unix(0, b.down.Load()).UTC().Format(time.RFC3339))
	}
	b.askLeaders()
	return b.health.err()
}

// Held reports why nothing should be begun whose end must be stored, or nil: a
// stream refuses what is written, or who runs the server is mending it. It asks
// nobody.
func (b *Bus) Held() error {
	var err error
	if b.held != nil {
		err = b.held()
	}
	b.health.mu.Lock()
	defer b.health.mu.Unlock()
	if err == nil {
		err = list(b.health.broken)
	}
	if err != nil {
		b.health.trouble = time.Now()
	}
	return err
}

// Trouble says when [Bus.Held] last had something to say, or a lost connection came
// back, whatever was later: what failed before then may have failed because of it. It
// is zero when neither has happened.
func (b *Bus) Trouble() time.Time {
	_ = b.Held() // it notes the time
	b.health.mu.Lock()
	defer b.health.mu.Unlock()
	return b.health.trouble
}

// NoteTrouble notes that the store did not answer another process that uses it.
func (b *Bus) NoteTrouble() { b.health.note() }

// refuses says that a stream is known to take nothing that is written: who would try
// is told at once that nothing is stored, and not after a while that it may be.
func (b *Bus) refuses(stream string) error {
	broken := false
	if b.broken != nil {
		broken = b.broken(stream) != nil // who runs the server knows best
	} else {
		b.health.mu.Lock()
		_, broken = b.health.broken[stream]
		b.health.mu.Unlock()
	}
	if b.health.cutOff(stream) {
		return b.unavailable(stream, "")
	}
	if !broken {
		return nil
	}
	return &events.Error{Code: events.Unavailable, Message: "the store takes nothing for " + stream + " now: try again later; /readyz says why"}
}

// AwaitStore waits while [Bus.Held] says why nothing should be begun. The error is
// that of ctx.
func (b *Bus) AwaitStore(ctx context.Context) error {
	for ctx.Err() == nil && b.Held() != nil {
		_ = wait.Sleep(ctx, 100*time.Millisecond) // the loop sees the end of ctx
	}
	return ctx.Err()
}

// err names each stream that is in trouble.
func (h *health) err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return list(h.broken, h.silent)
}

func list(troubles ...map[string]trouble) error {
	var errs []error
	for _, all := range troubles {
		var lines []string
		for stream, t := range all {
			lines = append(lines, fmt.Sprintf("%s %s since %s", stream, t.text, t.since.UTC().Format(time.RFC3339)))
		}
		slices.Sort(lines)
		for _, l := range lines {
			errs = append(errs, errors.New(l))
		}
	}
	return errors.Join(errs...)
}

// hear notes that the leader of a stream has answered.
func (h *health) hear(stream string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard[stream] = time.Now()
	if !h.silent[stream].quorum {
		delete(h.silent, stream)
	}
}

// miss notes that the leader of a stream did not answer a question.
func (h *health) miss(stream string, asked time.Time, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.heard[stream].After(asked) {
		return
	}
	if was, known := h.silent[stream]; known {
		asked = was.since
	}
	h.silent[stream] = trouble{text: text, since: asked}
}

// lose notes that a stream has too few replicas, or none that leads.
func (h *health) lose(stream string, since time.Time, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if was, known := h.silent[stream]; known && was.since.Before(since) {
		since = was.since
	}
	h.silent[stream] = trouble{text, since, true}
}

// regain notes that a stream has a leader whom enough replicas follow.
func (h *health) regain(stream string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard[stream] = time.Now()
	delete(h.silent, stream)
}

// cutOff reports that a stream has too few replicas: nothing comes of what is written.
func (h *health) cutOff(stream string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.silent[stream].quorum
}

// away is for how long a stream has had no leader that answers; 0 = it has one.
func (h *health) away(stream string) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t, silent := h.silent[stream]; silent {
		return time.Since(t.since)
	}
	return 0
}

// causeMost is how many streams of a cause are named.
const causeMost = 3

// Cause says in a line what is wrong with the store: of a stream and, if that is not
// all, of others; empty when nothing is known to be wrong with that stream. It asks
// nobody. An empty stream is any.
func (b *Bus) Cause(stream string) string {
	if !b.nc.IsConnected() {
		return "not connected to NATS since " + time.Unix(0, b.down.Load()).UTC().Format(time.RFC3339)
	}
	h := &b.health
	h.mu.Lock()
	defer h.mu.Unlock()
	first, known := h.silent[stream]
	if stream != "" && !known {
		return ""
	}
	names := slices.Sorted(maps.Keys(h.silent))
	if stream == "" && len(names) > 0 {
		stream, first = names[0], h.silent[names[0]]
	}
	if stream == "" {
		return ""
	}
	text := fmt.Sprintf("%s %s since %s", stream, first.text, first.since.UTC().Format(time.RFC3339))
	names = slices.DeleteFunc(names, func(n string) bool { return n == stream })
	if len(names) == 0 {
		return text
	}
	if more := len(names) - causeMost; more > 0 {
		return fmt.Sprintf("%s (and so it is with %s and %d more)", text, strings.Join(names[:causeMost], ", "), more)
	}
	return text + " (and so it is with " + strings.Join(names, ", ") + ")"
}

// note notes trouble that is not seen here: a lost connection has come back, or another process was not answered.
func (h *health) note() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.trouble = time.Now()
}

func (h *health) fresh(stream string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Since(h.heard[stream]) < leaderFresh
}

// askLeaders asks the leader of each stream that is needed and was not heard of for
// a second, all at the same time.
func (b *Bus) askLeaders() {
	b.health.asking.Lock()
	defer b.health.asking.Unlock()
	if time.Since(b.health.asked) < leaderFresh {
		return
	}
	defer func() { b.health.asked = time.Now() }()
	ctx, cancel := context.WithTimeout(b.life, leaderPatience)
	defer cancel()
	var wg sync.WaitGroup
	ask := func(stream, op string, request any) {
		if !b.health.fresh(stream) {
			wg.Go(func() { b.askLeader(ctx, stream, op, request) })
		}
	}
	for _, s := range b.needs.Reads {
		ask(s, streamGet, map[string]any{"last_by_subj": probeOf(s)})
	}
	for _, s := range b.needs.Writes {
		if !slices.Contains(b.needs.Reads, s) {
			ask(s, streamInfo, struct{}{})
		}
	}
	wg.Wait()
}

// askLeader asks the leader of a stream, or takes what it just told another bus of this process.
func (b *Bus) askLeader(ctx context.Context, stream, op string, request any) {
	l := b.leaders.of(stream)
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.at) >= leaderFresh {
		if ctx.Err() != nil { // who asked before it could not say
			return
		}
		l.asked = time.Now()
		answer, err := b.api(ctx, op, stream, request)
		if err != nil && (!b.nc.IsConnected() || b.life.Err() != nil) {
			return // it says nothing of the leader
		}
		l.trouble, l.at = "has no leader that answers", time.Now()
		if err == nil {
			l.trouble = leaderTrouble(answer.Data)
		}
	}
	if l.trouble == "" {
		b.health.hear(stream)
		return
	}
	b.health.miss(stream, l.asked, l.trouble)
}

// leaderTrouble is what the answer of a leader says that is wrong with its stream; empty = nothing.
func leaderTrouble(answer []byte) string {
	var a struct {
		Error *apiFault `json:"error"`
	}
	switch err := json.Unmarshal(answer, &a); {
	case err != nil:
		return "answers what cannot be read"
	case a.Error == nil || a.Error.ErrCode == codeNoMessage:
		return ""
	case slices.Contains(codesAway, a.Error.ErrCode):
		return "has no leader"
	default:
		return "cannot be read (" + a.Error.Description + ")"
	}
}

// Leaders is what the leaders of streams last answered when they were asked whether they are there. The
// buses of one process that use one server share it, so that each leader is asked once for all of them.
// The zero value is ready to use.
type Leaders struct {
	mu  sync.Mutex
	all map[string]*leader
}

type leader struct {
	mu      sync.Mutex // held by who asks it
	asked   time.Time
	at      time.Time // when it had answered, or had not
	trouble string    // what is wrong with the stream; empty = nothing
}

func (l *Leaders) of(stream string) *leader {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[string]*leader{}
	}
	if l.all[stream] == nil {
		l.all[stream] = &leader{}
	}
	return l.all[stream]
}
