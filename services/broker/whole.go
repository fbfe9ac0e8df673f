package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"

	"spool.internal/events/jet"
	"spool.internal/services/broker/store"
)

// Lost is the error for a data folder that is damaged, or was taken away under the server.
type Lost struct{ err error }

func (l *Lost) Error() string { return l.err.Error() }
func (l *Lost) Unwrap() error { return l.err }

// How often the folders are looked at, how often what is stored is noted, and how long
// a process that has lost its store stays, so that whoever asks is told.
const (
	lookEvery = time.Second
	noteEvery = 2 * time.Second
	lastWords = 20 * time.Second
)

// checkStore keeps the server from a store that has lost something.
func (b *Broker) checkStore() error {
	inOrder, err := store.Check(b.cfg.DataDir, b.streams(), b.cfg.Log)
	b.inOrder = inOrder
	if _, damaged := errors.AsType[*store.Damage](err); damaged {
		return &Lost{err}
	}
	return err
}

// streams is the folder of the streams of Spool's account.
func (b *Broker) streams() string { return store.Folder(b.cfg.DataDir, b.accounts.home) }

// keepNote begins to note what is stored, once the server is up.
func (b *Broker) keepNote() (err error) {
	if err := b.serverLost(); err != nil {
		return err
	}
	if b.keeper, err = store.NewKeeper(b.cfg.DataDir, b.streams(), b.cfg.Durability == Fsync); err != nil {
		return err
	}
	return b.note()
}

// serverLost asks the server what it has lost itself while it opened the store. After a
// kill it also counts a block that it had emptied and removed just before, so that
// is only said; after an orderly stop it is damage.
func (b *Broker) serverLost() error {
	last, err := b.lastOf()
	if err != nil {
		return err
	}
	var lost []string
	for _, name := range slices.Sorted(maps.Keys(last)) {
		state, err := b.state(name)
		if err != nil {
			return fmt.Errorf("state of stream %s: %w", name, err)
		}
		if of := state.Lost; of != nil && len(of.Msgs) > 0 {
			lost = append(lost, fmt.Sprintf("stream %s: NATS misses %d messages, from %d on", name, len(of.Msgs), of.Msgs[0]))
		}
	}
	if len(lost) == 0 {
		return nil
	}
	damage := &store.Damage{DataDir: b.cfg.DataDir, Lost: lost}
	if b.inOrder {
		return &Lost{damage}
	}
	b.cfg.Log.Warn("after a stop without notice NATS misses messages, which may have been removed just before", "lost", strings.Join(lost, "; "))
	return nil
}

// state is that of a stream with every sequence that was deleted or lost.
func (b *Broker) state(stream string) (server.StreamState, error) {
	m, err := b.guard.nc.Request("$JS.API.STREAM.INFO."+stream, []byte(`{"deleted_details":true}`), statePatience)
	if err != nil {
		return server.StreamState{}, err
	}
	var answer server.JSApiStreamInfoResponse
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return server.StreamState{}, err
	}
	if answer.Error != nil {
		return server.StreamState{}, answer.Error
	}
	return answer.State, nil
}

const statePatience = 10 * time.Second

// note notes what is stored now. The jobs come first: what they are known by is stored.
func (b *Broker) note() error {
	jobs := b.jobs.known()
	last, err := b.lastOf()
	if err != nil {
		return err
	}
	return b.keeper.Note(last, jobs)
}

// lastOf gives the last sequence of each stream.
func (b *Broker) lastOf() (map[string]uint64, error) {
	account, err := b.srv.now().JszAccount(&server.JSzOptions{Account: b.accounts.home, Streams: true})
	if err != nil {
		return nil, fmt.Errorf("streams: %w", err)
	}
	last := map[string]uint64{}
	for _, s := range account.Streams {
		last[s.Name] = s.State.LastSeq
	}
	return last, nil
}

// Keep notes what is stored and watches the data folder, until ctx ends. When the
// folder is taken away nobody is let in any more, so that nothing is acknowledged;
// Check says so from then on, and after a while Keep returns [*Lost].
func (b *Broker) Keep(ctx context.Context) error {
	place, err := store.NewPlace(b.cfg.DataDir, b.streams(), b.holds)
	if err != nil {
		return err
	}
	defer place.Close() //nolint:errcheck // nothing was written through it
	ctx, cancel := context.WithCancel(ctx)
	var others sync.WaitGroup
	defer others.Wait()
	defer cancel()
	others.Go(func() { b.jobs.run(ctx, b.own) })
	others.Go(func() { b.noteOn(ctx) })
	for tick(ctx, lookEvery) {
		if err := place.Look(); err != nil {
			return b.lose(ctx, err)
		}
	}
	return nil
}

func (b *Broker) noteOn(ctx context.Context) {
	for said := false; tick(ctx, noteEvery); {
		err := b.note()
		if err != nil && !said && b.lost.Load() == nil && ctx.Err() == nil {
			b.cfg.Log.Warn("what is stored cannot be noted", "error", err.Error())
		}
		said = err != nil
	}
}

func tick(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// holds reports whether a stream has a message from first up to below, or, when below
// is 0, from first on. The server is asked for the next one first, which costs little; it
// gives none also when it cannot read, so then it is asked what it knows.
func (b *Broker) holds(stream string, first, below uint64) bool {
	ask := fmt.Appendf(nil, `{"seq":%d,"next_by_subj":">","no_hdr":true}`, first)
	m, err := b.guard.nc.Request("$JS.API.STREAM.MSG.GET."+stream, ask, statePatience)
	if err != nil {
		return false // the server is not up
	}
	var next server.JSApiMsgGetResponse
	if json.Unmarshal(m.Data, &next) == nil && next.Message != nil {
		return below == 0 || next.Message.Sequence < below
	}
	state, err := b.state(stream)
	if err != nil {
		return false
	}
	if below == 0 {
		below = state.LastSeq + 1
	}
	from, to := max(first, state.FirstSeq), min(below, state.LastSeq+1)
	if state.Msgs == 0 || from >= to {
		return false
	}
	there := to - from
	for _, seq := range state.Deleted {
		if seq >= from && seq < to {
			there--
		}
	}
	return there > 0
}

// lose ends everything that could be acknowledged, and stays for a while to say why.
func (b *Broker) lose(ctx context.Context, why error) error {
	lost := &Lost{fmt.Errorf("%w: nothing can be stored any more, and what was stored in the last seconds may be lost; "+
		"stop Spool, put the data folder back (mount it, or restore it from your backup), and start Spool again", why)}
	b.lost.Store(lost)
	b.cfg.Log.Error("the data folder was taken away: not ready, and this process is about to end", "error", lost.Error(), "in", lastWords.String())
	b.fence()
	tick(ctx, lastWords)
	return lost
}

// fence keeps all clients out: those of this process are given no connection any
// more, and others' credentials are revoked.
func (b *Broker) fence() {
	for _, role := range Roles() {
		id, err := publicOf(b.roles[role].Account)
		if err != nil {
			continue // it was good at the start
		}
		token, err := b.accounts.resolver.Fetch(id)
		if err != nil {
			continue
		}
		claims, err := jwt.DecodeAccountClaims(token)
		if err != nil {
			continue
		}
		account, err := b.srv.now().LookupAccount(id)
		if err != nil {
			continue
		}
		claims.RevokeAt(jwt.All, time.Now().Add(time.Hour))
		b.srv.now().UpdateAccountClaims(account, claims)
	}
	conns, err := b.srv.now().Connz(&server.ConnzOptions{Limit: maxConnections * 2})
	if err != nil {
		return
	}
	for _, c := range conns.Conns {
		_ = b.srv.now().DisconnectClientByID(c.Cid) // gone already
	}
}

// InProcessConn is a way to the server for a client of this process.
func (b *Broker) InProcessConn() (net.Conn, error) {
	if lost := b.lost.Load(); lost != nil {
		return nil, lost
	}
	return b.srv.InProcessConn()
}

// Place reports that the data folder was taken away.
func (b *Broker) Place() error {
	if lost := b.lost.Load(); lost != nil {
		return lost
	}
	return nil
}

// closeNote notes that the server has stopped in order.
func (b *Broker) closeNote(last map[string]uint64) error {
	if b.keeper == nil || last == nil {
		return nil
	}
	return b.keeper.Closed(last, b.jobs.known())
}

// jobCount counts the jobs, as JOBS says.
type jobCount struct {
	mu     sync.Mutex
	live   map[string]bool
	seq    uint64
	loaded bool
}

func (j *jobCount) run(ctx context.Context, bus *jet.Bus) {
	feed := jet.NewJobFeed(bus, j.apply)
	var following sync.WaitGroup
	defer following.Wait()
	following.Go(func() { _ = feed.Run(ctx) }) // ends with ctx
	for tick(ctx, 100*time.Millisecond) {
		if _, err := feed.Barrier(ctx); err == nil {
			break
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.loaded = ctx.Err() == nil
}

func (j *jobCount) apply(r jet.JobRevision) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.live == nil {
		j.live = map[string]bool{}
	}
	if r.Gone() {
		delete(j.live, r.Event.Job.ID)
	} else {
		j.live[r.Event.Job.ID] = true
	}
	j.seq = max(j.seq, r.Seq)
}

// known gives how many there are, once that is known.
func (j *jobCount) known() *store.JobsKnown {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.loaded {
		return nil
	}
	return &store.JobsKnown{Seq: j.seq, Live: len(j.live)}
}

// Store is the folder of the streams of a data folder, and what they have lost.
func Store(dataDir string) (dir string, err error) {
	file := filepath.Join(dataDir, "nats", "keys.json")
	k, text, err := readKeys(file)
	if err != nil {
		return "", err
	}
	if text == nil {
		return "", fmt.Errorf("%s is missing: --data is no data folder of a Spool", file)
	}
	home, err := publicOf(k.Account)
	return store.Folder(dataDir, home), err
}
