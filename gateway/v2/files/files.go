package files

import (
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/reserve"
	"spool.internal/gateway/wire"
)

// Prefix is where the path of a drive begins in a URL.
const Prefix = "/api/v2/files/"

// Config is what the API needs. Fields without a default are required.
type Config struct {
	// Drives are where the files lie.
	Drives *drive.Drives
	// Token is the one that a request was let in with.
	Token func(*http.Request) events.Token
	// Reserve keeps room for the store on its disk; nil = none.
	Reserve *reserve.Reserve
	// MaxUpload is how large a file may be, in bytes. 0 means 5 GiB.
	MaxUpload int64
	// Idle is how long a client may neither send nor take anything. 0 means 1 min.
	Idle time.Duration
	// Log takes the log.
	Log *slog.Logger
}

// API is the handlers. It is safe for concurrent use.
type API struct {
	Config

	mu    sync.Mutex
	swept map[string]bool // folders that were cleared of what former processes left
}

// New makes the API.
func New(c Config) *API {
	if c.MaxUpload == 0 {
		c.MaxUpload = 5 << 30
	}
	if c.Idle == 0 {
		c.Idle = time.Minute
	}
	return &API{Config: c, swept: map[string]bool{}}
}

// Routes adds the API to a router. Who calls has been authenticated before; the
// bodies of PUT are bounded here and nowhere else, and HEAD arrives as HEAD.
func (a *API) Routes(r *mux.Router) {
	for _, route := range []struct {
		handle  func(http.ResponseWriter, *http.Request) error
		methods []string
	}{
		{a.get, []string{http.MethodGet, http.MethodHead}},
		{a.put, []string{http.MethodPut}},
		{a.delete, []string{http.MethodDelete}},
	} {
		r.HandleFunc(Prefix+"{path:(?s:.+)}", func(w http.ResponseWriter, r *http.Request) {
			if err := route.handle(w, r); err != nil {
				wire.Fail(w, a.Log, explain(err))
			}
		}).Methods(route.methods...)
	}
}

// flag reads a query parameter that is true or false.
func flag(values url.Values, name string) (bool, error) {
	text := values.Get(name)
	if text == "" {
		return false, nil
	}
	v, err := strconv.ParseBool(text)
	if err != nil {
		return false, events.Faultf(events.Invalid, name, "%q is neither true nor false", text)
	}
	return v, nil
}
