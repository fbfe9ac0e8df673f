package backup

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"spool.internal/events/jet"
	"spool.internal/events/wait"
)

// Row is a stream of a backup beside the same stream of a store.
type Row struct {
	Stream            string
	Messages, Has     uint64 // those of the backup, and those of the store
	Consumers, HasOut int    // the same of consumers
	Dropped           uint64 // messages that have expired, and tokens that were left out
	Wrong             string // why they differ; "" = they are equal
}

// settle is how long a cluster may take until every consumer is there.
const settle = 30 * time.Second

// Compare counts what a store has of each stream of a backup. It asks again for a while: the consumers of a
// cluster come one after the other.
func Compare(ctx context.Context, nc *nats.Conn, c *Checked, r *Restored) (rows []Row, equal bool, err error) {
	equal = true
	for _, s := range c.Streams {
		var row Row
		for deadline := time.Now().Add(settle); ; {
			if row, err = compare(ctx, nc, s, r); err != nil {
				row = Row{Stream: s.Name, Messages: s.Messages, Consumers: len(s.Consumers), Wrong: err.Error()}
			}
			if row.Wrong == "" || time.Now().After(deadline) || ctx.Err() != nil {
				break
			}
			if wait.Sleep(ctx, 200*time.Millisecond) != nil {
				break
			}
		}
		rows, equal = append(rows, row), equal && row.Wrong == ""
	}
	return rows, equal, ctx.Err()
}

func compare(ctx context.Context, nc *nats.Conn, s Stream, r *Restored) (row Row, err error) {
	row = Row{Stream: s.Name, Messages: s.Messages, Consumers: len(s.Consumers)}
	var info server.JSApiStreamInfoResponse
	if err := request(ctx, nc, "$JS.API.STREAM.INFO."+s.Name, nil, &info); err != nil {
		return row, err
	}
	if info.Error != nil {
		return row, apiFault(info.Error)
	}
	have, err := durables(ctx, nc, s.Name)
	if err != nil {
		return row, err
	}
	row.Has, row.HasOut = info.State.Msgs, len(have)
	var left uint64
	switch {
	case s.Name == jet.StateStream:
		left = s.Messages
	case s.Name == jet.TokensStream && r != nil:
		left = uint64(r.Tokens + r.Sessions)
	}
	// A session that has expired may be among those left out, and among the expired.
	most, least := s.Messages-min(left+s.expired, s.Messages), s.Messages-min(left+s.soon, s.Messages)
	if s.Name == jet.TokensStream {
		most = s.Messages - min(left, s.Messages)
	}
	row.Dropped = s.Messages - min(row.Has, s.Messages)
	switch {
	case row.Has > most || row.Has < least:
		row.Wrong = fmt.Sprintf("%d messages, %d of which are to be there", row.Has, most)
	case info.State.LastSeq != s.Last:
		row.Wrong = fmt.Sprintf("the last sequence is %d, not %d", info.State.LastSeq, s.Last)
	default:
		row.Wrong = lacks(s.Consumers, have)
	}
	return row, nil
}

func lacks(want []string, have map[string]time.Time) string {
	for _, name := range want {
		if _, there := have[name]; !there {
			return "consumer " + name + " is missing"
		}
	}
	if len(have) > len(want) {
		return fmt.Sprintf("%d consumers, not %d", len(have), len(want))
	}
	return ""
}
