package v2

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/jet"
	"spool.internal/gateway/change"
	"spool.internal/gateway/index"
	"spool.internal/gateway/wire"
)

// Bulks has actions on many things done. A [bulk.Runner] does.
type Bulks interface {
	Begin(ctx context.Context, b events.Bulk, items []events.BulkItem) (events.Bulk, error)
}

// Stages knows the folders that triggers take their files from. A [drive.Drives] is one.
type Stages interface {
	Stat(p events.Path) (fs.FileInfo, error)
	Mappings() []drive.Mapping
}

// Places tells which machines serve which drives. [jet.Bus.Places] does.
type Places func(context.Context) (events.Places, error)

// Config is what the API needs. Fields without a default are required.
type Config struct {
	Bus     *jet.Bus                          // what it reads beside jobs
	Runners *jet.Bus                          // on which runners are asked; nil means Bus
	Keys    *jet.Keyring                      // the tokens
	Changes *change.Jobs                      // changes jobs
	Jobs    wire.Jobs                         // the cache of all jobs
	Index   *index.Index                      // how jobs and executions stand
	Bulks   Bulks                             // does one thing with many
	Stages  Stages                            // nil: whether the stage of a file is there shows when it is run again
	Drives  *drive.Drives                     // nil: nothing is said of files
	Places  Places                            // nil: all machines have the same drives
	Zone    *time.Location                    // of jobs that name none; nil means UTC
	Caller  func(*http.Request) change.Caller // who asks
	// Position is where to follow events from so that nothing is missed that an answer
	// lacks which is made after it is asked; nil, or empty, says nothing.
	Position func() string
	Answered func() events.Minute // up to which minute the cron of this process owes nothing; nil: it is in another
	Name     string               // of the installation; may be empty
	Version  string               // of the server
	Log      *slog.Logger         // takes the log
}

// API is the handlers of the native API. It is safe for concurrent use.
type API struct {
	Config
	rooms rooms // of drives
	told  told  // of failures
}

// New makes the API.
func New(c Config) *API {
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	return &API{Config: c}
}

// HeaderPosition says where to follow events from after an answer.
const HeaderPosition = "Spool-Position"

// positioned adds the position of the events to answers. It is taken before anything is
// read.
func (a *API) positioned(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.Position != nil {
			if at := a.Position(); at != "" {
				w.Header().Set(HeaderPosition, at)
			}
		}
		next.ServeHTTP(w, r)
	})
}
