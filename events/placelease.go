package events

import "time"

// Times of the lease that a runner holds on its place. By the monotonic clock of its machine it gives
// its flows up before, by the clock of the store, anybody takes them for dead.
const (
	LeaseEvery     = 10 * time.Second // a runner renews it
	LeaseFence     = 30 * time.Second // without renewal it ends its flows and takes no runs
	LeaseAwayAfter = 60 * time.Second // without renewal its machine is away
)

// PlaceLease is that the runner of a place is there. It is stored anew every [LeaseEvery], and stands
// until it is another's: when it was stored last says since when the machine is away.
type PlaceLease struct {
	Place    string    `json:"place"`
	Pool     string    `json:"pool"`
	Boot     string    `json:"boot"`     // of the machine
	Host     string    `json:"host"`     // its name, for people
	Runner   string    `json:"runner"`   // the id of the data folder: another one is another disk
	Instance string    `json:"instance"` // the process
	At       time.Time `json:"at"`       // by the clock of the machine

	Takeover  time.Duration `json:"takeover,omitzero"`  // in ns: how long after the last renewal others start its runs again; 0 = never
	Released  bool          `json:"released,omitzero"`  // the runner was asked to stop; its flows are gone
	Forgotten *Forgotten    `json:"forgotten,omitzero"` // nobody waits for the machine any more
}

// Forgotten is that somebody said that a machine never comes back.
type Forgotten struct {
	By string    `json:"by"`
	At time.Time `json:"at"`
}

// RunQueueOf names the queue of the runs of a pool that belong at a place; with no place it is the pool.
// The name is one token of a subject, and part of the name of a consumer, whatever people call their
// machines; no pool has a name like that.
func RunQueueOf(pool, place string) string {
	if place == "" {
		return pool
	}
	return pool + queueAt + PlaceToken(place)
}

const queueAt = "@"

// PlaceToken is how the name of a place enters a subject: as it is, where that is possible.
func PlaceToken(place string) string {
	for _, c := range place {
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return "~" + Hash(place)
		}
	}
	if len(place) > maxPlaceToken {
		return "~" + Hash(place)
	}
	return place
}

// maxPlaceToken bounds what stands in a subject as it is.
const maxPlaceToken = 64
