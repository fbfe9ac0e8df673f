package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events/jet"
)

// ask fills in what a store says of itself.
func (s *Store) ask(ctx context.Context, nc *nats.Conn) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	marks, err := jet.ReadMarks(ctx, js)
	if err != nil {
		return err
	}
	if s.Format = marks.Format; s.Format > jet.Format {
		return &jet.Newer{What: "the store", Format: s.Format}
	}
	s.SealKey, err = jet.SealKeyID(ctx, js)
	return err
}

func streamNames(ctx context.Context, nc *nats.Conn) (all []string, err error) {
	for {
		var page server.JSApiStreamNamesResponse
		if err := list(ctx, nc, "$JS.API.STREAM.NAMES", len(all), &page); err != nil {
			return nil, err
		}
		if page.Error != nil {
			return nil, fmt.Errorf("list the streams: %w", apiFault(page.Error))
		}
		if all = append(all, page.Streams...); len(page.Streams) == 0 || len(all) >= page.Total {
			return all, nil
		}
	}
}

// durables lists the durable consumers of a stream, and when each was made.
func durables(ctx context.Context, nc *nats.Conn, stream string) (map[string]time.Time, error) {
	all := map[string]time.Time{}
	for offset := 0; ; {
		var page server.JSApiConsumerListResponse
		if err := list(ctx, nc, "$JS.API.CONSUMER.LIST."+stream, offset, &page); err != nil {
			return nil, err
		}
		if page.Error != nil {
			return nil, fmt.Errorf("list the consumers: %w", apiFault(page.Error))
		}
		if len(page.Missing) > 0 {
			return nil, fmt.Errorf("consumer %s has no leader now", page.Missing[0])
		}
		for _, c := range page.Consumers {
			if c.Config != nil && c.Config.Durable != "" {
				all[c.Name] = c.Created
			}
		}
		if offset += len(page.Consumers); len(page.Consumers) == 0 || offset >= page.Total {
			return all, nil
		}
	}
}

func list(ctx context.Context, nc *nats.Conn, subject string, offset int, answer any) error {
	ask, err := json.Marshal(server.ApiPagedRequest{Offset: offset})
	if err != nil {
		return err
	}
	return request(ctx, nc, subject, ask, answer)
}

func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
