package gateway

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/jet"
	"spool.internal/events/reserve"
)

// Config is what a gateway needs. Fields without a default are required.
type Config struct {
	// Bus is the connection to the broker, whose streams exist.
	Bus *jet.Bus
	// Subscribers is where subscribers ask for runs: a connection in the account
	// of gateways. Nil: no subscriber can ask.
	Subscribers *jet.Bus
	// Keys knows the tokens and the seal key. The caller runs it.
	Keys *jet.Keyring
	// DataDir is the folder of admin.token. It is made when absent.
	DataDir string
	// Mount adds the routes of other services behind the same middleware; nil
	// adds none. A request to [events.RunBinaryPath] with the header
	// [events.HeaderDispatcher] reaches its route without a token: the route
	// judges it.
	Mount func(*mux.Router)
	// Untracked says that it is not known how runs end: the endpoint is not the
	// built-in runner, and is not asked. Jobs whose runs must not overlap are
	// then refused.
	Untracked bool
	// MailDomains are those that notification_emails may go to; empty are all.
	MailDomains events.MailDomains
	// Drives are where /api/v2/files finds its files; nil leaves that API out.
	Drives *drive.Drives
	// Places tells which machines serve which drives, and where their gateways are. It is
	// needed where the drives are those of a place; else nil.
	Places func(context.Context) (events.Places, error)
	// PeerCA is a PEM file with the authorities that sign the certificates of the gateways
	// of other machines; empty are the system's.
	PeerCA string
	// PeerInsecure allows to pass requests, with the tokens of their callers, on to other
	// machines without TLS.
	PeerInsecure bool
	// Reserve keeps room for the store: no file is taken onto its disk while that is
	// short of it. nil means no room.
	Reserve *reserve.Reserve
	// MaxUpload is how large a file may be, in bytes. 0 means 5 GiB.
	MaxUpload int64
	// Zone is that of jobs that name none, as cron has it. Nil means UTC.
	Zone *time.Location
	// Rate is how many requests per second a token may make for ever, and an
	// address without a valid one.
	// 0 means 200, below 0 no limit.
	Rate float64
	// Burst is how many requests a token may make at once. 0 means 400.
	Burst int
	// Quota is what an owner may have who is no administrator.
	Quota events.Quota
	// Lost says why nothing can be stored any more, so that every request is
	// refused; nil, or a nil answer, is that everything is well.
	Lost func() error
	// Answered says up to which minute the cron of this process owes nothing; nil where it is in another.
	Answered func() events.Minute
	// Codes gives the token that a code stands for which a browser logs in with in place of
	// one. The error is of code Unauthorized. Nil: there are no codes.
	Codes func(r *http.Request, code string) (token string, err error)
	// Name is that of this installation, for people; empty = it has none.
	Name string
	// Version is shown at "/". Empty means "unknown".
	Version string
	// Log takes the log.
	Log *slog.Logger
}

// Validate names every field at fault.
func (c Config) Validate() error {
	var errs []error
	if c.Bus == nil {
		errs = append(errs, errors.New("gateway: Bus: is required"))
	}
	if c.Keys == nil {
		errs = append(errs, errors.New("gateway: Keys: is required"))
	}
	if c.DataDir == "" {
		errs = append(errs, errors.New("gateway: DataDir: is required"))
	}
	if c.Log == nil {
		errs = append(errs, errors.New("gateway: Log: is required"))
	}
	return errors.Join(append(errs, c.CheckSettings())...)
}

// CheckSettings names what is wrong with what a person has set.
func (c Config) CheckSettings() error {
	var errs []error
	if math.IsNaN(c.Rate) || math.IsInf(c.Rate, 0) {
		errs = append(errs, events.Faultf(events.Invalid, "rate", "%v is no number of requests per second: write one such as 200, or -1 for no limit", c.Rate))
	}
	if c.Burst < 0 {
		errs = append(errs, events.Faultf(events.Invalid, "burst", "%d is below 0: write how many requests a token may make at once, such as 400", c.Burst))
	}
	if events.CheckNote("instance-name", c.Name) != nil {
		errs = append(errs, events.Faultf(events.Invalid, "instance-name", "is not a name of one line: write a short one, such as prod-eu"))
	}
	if _, err := c.peerRoots(); err != nil {
		errs = append(errs, err)
	}
	if c.MaxUpload < 0 {
		errs = append(errs, events.Faultf(events.Invalid, "max-upload", "%d is below 0: write the size of the largest file, such as 5GiB", c.MaxUpload))
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.Rate == 0 {
		c.Rate = 200
	}
	if c.Burst == 0 {
		c.Burst = 400
	}
	if c.Version == "" {
		c.Version = "unknown"
	}
	return c
}
