package jet

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// apiPrefix is how the subjects of JetStream's API begin.
const apiPrefix = "$JS.API."

// Operations that more than one place asks for.
const (
	directGet  = "DIRECT.GET"     // from any replica
	streamGet  = "STREAM.MSG.GET" // from the leader
	streamInfo = "STREAM.INFO"
)

// apiFault is what an answer of JetStream's API says when it is an error.
type apiFault struct {
	Code        int    `json:"code"` // as of HTTP
	ErrCode     int    `json:"err_code"`
	Description string `json:"description"`
}

// api sends a request to JetStream's API: op is the operation, as in its subject. The
// answer may be an [apiFault]; ctx bounds the wait for it, as a rule by [Bus.asking]. It
// may be sent twice.
func (b *Bus) api(ctx context.Context, op, stream string, request any) (*nats.Msg, error) {
	data, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	return b.question(ctx, &nats.Msg{Subject: apiPrefix + op + "." + stream, Data: data})
}

// info asks what a stream is, and how it is.
func (b *Bus) info(ctx context.Context, stream string, alone time.Duration) (*jetstream.StreamInfo, error) {
	ctx, cancel := b.asking(ctx, stream, alone)
	defer cancel()
	answer, err := b.api(ctx, streamInfo, stream, struct{}{})
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", stream, b.fault(stream, err))
	}
	var info struct {
		jetstream.StreamInfo
		Error *apiFault `json:"error"`
	}
	if err := json.Unmarshal(answer.Data, &info); err != nil {
		return nil, fmt.Errorf("stream %s: %w", stream, err)
	}
	if info.Error != nil {
		return nil, fmt.Errorf("stream %s: %w", stream, b.apiError(stream, *info.Error))
	}
	return &info.StreamInfo, nil
}
