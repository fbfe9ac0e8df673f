package jet

import (
	"context"
	"encoding/json"

	"github.com/nats-io/nats.go"
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
	ErrCode     int    `json:"err_code"`
	Description string `json:"description"`
}

// api sends a request to JetStream's API: op is the operation, as in its subject. The
// answer may be an [apiFault]; ctx bounds the wait for it, as a rule by [Bus.onWire].
func (b *Bus) api(ctx context.Context, op, stream string, request any) (*nats.Msg, error) {
	data, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	return b.nc.RequestWithContext(ctx, apiPrefix+op+"."+stream, data)
}
