package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events/jet"
)

// ToCluster restores a checked backup into the store of a cluster that waits for it, and goes on once it was
// found equal. What a restore that was cut off has left there is taken away first; a store that is whole is
// refused.
func ToCluster(ctx context.Context, nc *nats.Conn, c *Checked, in Into) (*Outcome, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	have, err := streamNames(ctx, nc)
	if err != nil {
		return nil, err
	}
	if m, err := jet.ReadMarks(ctx, js); err != nil {
		return nil, err
	} else if slices.Contains(have, jet.TokensStream) && !m.Restoring {
		return nil, errors.New("the cluster has a store already: restore into a new one, which waits for it: spool cluster init --restore")
	}
	for _, name := range have {
		var answer server.JSApiStreamDeleteResponse
		if err := request(ctx, nc, "$JS.API.STREAM.DELETE."+name, nil, &answer); err != nil {
			return nil, err
		}
		if answer.Error != nil {
			return nil, fmt.Errorf("stream %s, which a restore that was cut off has left, cannot be taken away: %w", name, apiFault(answer.Error))
		}
	}
	in.marked = true
	done := &Outcome{}
	if done.Restored, err = Restore(ctx, nc, c, in); err != nil {
		return nil, fmt.Errorf("the restore has not come to its end, the machines go on waiting, and the next one begins again: %w", err)
	}
	// Before the mark goes: then the machines go on, and store what is not in the backup.
	if done.Rows, done.Equal, err = Compare(ctx, nc, c, done.Restored); err != nil || !done.Equal {
		return done, err
	}
	return done, jet.WriteMarks(ctx, js, func(m *jet.Marks) { m.Restoring = false })
}
