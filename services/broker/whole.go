package broker

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"spool.internal/events/jet"
	"spool.internal/services/broker/store"
)

// Lost is the error for a data folder that is damaged, or was taken away under the server.
type Lost struct{ err error }

func (l *Lost) Error() string { return l.err.Error() }
func (l *Lost) Unwrap() error { return l.err }

// checkStore keeps the server from a store that has lost something.
func (b *Broker) checkStore() error {
	inOrder, err := store.Check(b.cfg.DataDir, b.streams(), b.cfg.Bundle != nil, b.cfg.Log)
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
	if b.cfg.Bundle == nil { // else the others have what the server misses
		if err := b.serverLost(); err != nil {
			return err
		}
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
		if err != nil { // the blocks were read, and the list of what was deleted may be long
			b.cfg.Log.Warn("NATS does not say what it misses", "stream", name, "error", err.Error())
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
	return b.keeper.Note(last, jobs, b.isClock)
}

// isClock reports whether a message is cron's clock, which goes on each half hour in which nothing was due.
// Who finds an older one there looks through that half hour again.
func (b *Broker) isClock(stream string, sequence uint64) bool {
	if stream != jet.ClockStream {
		return false
	}
	m, err := b.message(stream, fmt.Appendf(nil, `{"seq":%d,"no_hdr":true}`, sequence))
	return err == nil && m != nil && jet.IsClock(m.Subject)
}

// message asks for one message of a stream. It is nil when the server gives none; the error is that it is not up.
func (b *Broker) message(stream string, which []byte) (*server.StoredMsg, error) {
	m, err := b.guard.nc.Request("$JS.API.STREAM.MSG.GET."+stream, which, statePatience)
	if err != nil {
		return nil, err
	}
	var answer server.JSApiMsgGetResponse
	if json.Unmarshal(m.Data, &answer) != nil {
		return nil, nil
	}
	return answer.Message, nil
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

// closeNote notes that the server has stopped in order.
func (b *Broker) closeNote(last map[string]uint64) error {
	if b.keeper == nil || last == nil {
		return nil
	}
	return b.keeper.Closed(last, b.jobs.known())
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
