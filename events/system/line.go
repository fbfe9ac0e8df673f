// Package system says in one line how a part of Spool is: its state, what that means, and
// what to do. It decides and reads nothing: who looks at the parts is the gateway, for
// GET /api/v2/system, and spool doctor, for what only a machine itself can see.
//
// A [Line]'s Means and Todo name no host, path or address: those are in Detail, Host and
// Instance, which [Line.Shown] leaves out for everybody but administrators. Nothing in a line
// is a secret.
package system

import (
	"cmp"
	"slices"
	"time"

	"spool.internal/events/sorting"
)

// State is how a part is. The later in this list, the worse.
type State string

const (
	OK      State = "ok"
	Unknown State = "unknown" // nobody can tell
	Warning State = "warning" // it works, and will not for ever
	Away    State = "away"    // a role is not heard of any more
	Failed  State = "failed"  // it does not work
)

// States lists them, the best first.
var States = []State{OK, Unknown, Warning, Away, Failed}

// Wrong reports whether something is to be done.
func (s State) Wrong() bool { return s == Warning || s == Away || s == Failed }

// Kind says what a line is about.
type Kind string

const (
	KindRole        Kind = "role"
	KindVersion     Kind = "version"
	KindNATS        Kind = "nats"
	KindStream      Kind = "stream"
	KindDisk        Kind = "disk"
	KindClock       Kind = "clock"
	KindTZData      Kind = "tzdata"
	KindInotify     Kind = "inotify"
	KindDescriptors Kind = "descriptors"
	KindCertificate Kind = "certificate"
	KindEndpoint    Kind = "endpoint"
	KindNotices     Kind = "notices"
	KindSandbox     Kind = "sandbox"
	KindData        Kind = "data"
	KindServer      Kind = "server"
	KindPlace       Kind = "place"
)

// kinds is the order in which lines of one state are shown.
var kinds = []Kind{
	KindServer, KindPlace, KindRole, KindVersion, KindNATS, KindStream, KindData, KindDisk, KindClock, KindTZData, KindInotify,
	KindDescriptors, KindCertificate, KindEndpoint, KindNotices, KindSandbox,
}

// Line is how one part is.
type Line struct {
	Name     string    `json:"name"`
	Kind     Kind      `json:"kind"`
	State    State     `json:"state"`
	Since    time.Time `json:"since,omitzero"`
	Means    string    `json:"means"`           // a sentence
	Todo     string    `json:"todo,omitzero"`   // another; empty = nothing
	Detail   string    `json:"detail,omitzero"` // what names a host, a path or an address
	Host     string    `json:"host,omitzero"`
	Instance string    `json:"instance,omitzero"` // which process
	Version  string    `json:"version,omitzero"`
}

// Shown is the line as somebody may see it.
func (l Line) Shown(administrator bool) Line {
	if !administrator {
		l.Detail, l.Host, l.Instance = "", "", ""
	}
	return l
}

// Worst is the worst state of some lines; of none it is [Unknown].
func Worst(lines []Line) State {
	if len(lines) == 0 {
		return Unknown
	}
	worst := 0
	for _, l := range lines {
		worst = max(worst, slices.Index(States, l.State))
	}
	return States[worst]
}

// Sort puts the worst first, and what belongs together side by side.
func Sort(lines []Line) {
	sorting.Stably(lines, func(a, b Line) int {
		return cmp.Or(
			cmp.Compare(slices.Index(States, b.State), slices.Index(States, a.State)),
			cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)),
			cmp.Compare(a.Name, b.Name), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Instance, b.Instance))
	})
}
