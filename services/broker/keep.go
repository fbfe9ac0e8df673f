package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"

	"spool.internal/events/wait"
	"spool.internal/services/broker/store"
)

// How often the folders are checked, how often what is stored is noted, and how long a process that has
// lost its store stays to report it.
const (
	lookEvery = time.Second
	noteEvery = time.Second
	lastWords = 20 * time.Second
)

// Keep notes what is stored and watches the data folder, until ctx ends. When the folder is taken away
// it disconnects all clients and admits none, so that nothing is acknowledged any more. Check reports
// it from then on, and Keep returns [*Lost] 20 s later.
func (b *Broker) Keep(ctx context.Context) error {
	place, err := b.watched()
	if err != nil {
		return err
	}
	defer place.Close() //nolint:errcheck // nothing was written through it
	ctx, cancel := context.WithCancel(ctx)
	var others sync.WaitGroup
	defer others.Wait()
	defer cancel()
	if b.cfg.Bundle == nil { // the others of a cluster have what this machine may lack
		others.Go(func() { b.jobs.run(ctx, b.own) })
	}
	others.Go(func() { b.noteOn(ctx) })
	if b.cfg.Bundle != nil {
		others.Go(func() { b.lead(ctx) })
		others.Go(func() { b.rebundle(ctx) })
	}
	for wait.Sleep(ctx, wait.Whole(lookEvery)) == nil {
		if err := place.Look(); err != nil {
			return b.lose(ctx, err)
		}
	}
	return nil
}

// watched are the folders that must stay what they are. In a cluster the server itself takes a stream's
// away, and fetches it anew.
func (b *Broker) watched() (*store.Place, error) {
	if b.cfg.Bundle != nil {
		return store.NewFolder(b.cfg.DataDir, "nats", filepath.Join("nats", "jetstream"))
	}
	return store.NewPlace(b.cfg.DataDir, b.streams(), b.holds)
}

func (b *Broker) noteOn(ctx context.Context) {
	for logged := false; wait.Sleep(ctx, wait.Whole(noteEvery)) == nil; {
		err := b.note()
		if err != nil && !logged && b.lost.Load() == nil && ctx.Err() == nil {
			b.cfg.Log.Warn("what is stored cannot be noted", "error", err.Error())
		}
		logged = err != nil
	}
}

// holds reports whether a stream has a message from first up to below, or, when below
// is 0, from first on. The server is asked for the next one first, which costs little; it
// gives none also when it cannot read, so then it is asked what it knows.
func (b *Broker) holds(stream string, first, below uint64) bool {
	next, err := b.message(stream, fmt.Appendf(nil, `{"seq":%d,"next_by_subj":">","no_hdr":true}`, first))
	if err != nil {
		return false
	}
	if next != nil {
		return below == 0 || next.Sequence < below
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

// lose keeps all clients out first, so that nothing is acknowledged once the loss is reported, and then
// stays for a while to report it.
func (b *Broker) lose(ctx context.Context, why error) error {
	b.fence()
	if b.cfg.Bundle != nil { // the others still count what it says that it has stored
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Second)
		defer cancel()
	}
	return sayLost(ctx, &b.lost, b.cfg.Log, why)
}

// sayLost logs that the folder is gone, and waits so that it can be reported.
func sayLost(ctx context.Context, to *atomic.Pointer[Lost], log *slog.Logger, why error) error {
	lost := &Lost{fmt.Errorf("%w: nothing can be stored any more, and what was stored in the last seconds may be lost; "+
		"stop Spool, put the data folder back (mount it, or restore it from your backup), and start Spool again", why)}
	to.Store(lost)
	log.Error("the data folder was taken away: not ready, and this process is about to end", "error", lost.Error(), "in", lastWords.String())
	_ = wait.Sleep(ctx, lastWords)
	return lost
}

// fence keeps all clients out: those of this process get no connection any more, and the credentials of
// others are revoked. The server is not shut down: it would write into what lies there now.
func (b *Broker) fence() {
	srv := b.srv.fence()
	b.cutAll(srv)
	for _, role := range Roles() {
		if err := b.revoke(srv, role); err != nil {
			b.cfg.Log.Warn("a role cannot be kept out", "role", string(role), "error", err.Error())
		}
	}
	b.cutAll(srv)
}

func (b *Broker) revoke(srv *server.Server, role Role) error {
	id, err := publicOf(b.roles[role].Account)
	if err != nil {
		return err
	}
	token, err := b.accounts.resolver.Fetch(id)
	if errors.Is(err, server.ErrMissingAccount) {
		return nil // nobody is let in from outside
	}
	if err != nil {
		return err
	}
	claims, err := jwt.DecodeAccountClaims(token)
	if err != nil {
		return err
	}
	account, err := srv.LookupAccount(id)
	if err != nil {
		return err
	}
	claims.RevokeAt(jwt.All, time.Now().Add(time.Hour))
	srv.UpdateAccountClaims(account, claims)
	return nil
}

func (b *Broker) cutAll(srv *server.Server) {
	conns, err := srv.Connz(&server.ConnzOptions{Limit: maxConnections * 2})
	if err != nil {
		return // it is down
	}
	for _, c := range conns.Conns {
		_ = srv.DisconnectClientByID(c.Cid) // gone already
	}
}

// Place returns an error once the data folder was taken away.
func (b *Broker) Place() error {
	if lost := b.lost.Load(); lost != nil {
		return lost
	}
	return nil
}
