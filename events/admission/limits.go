package admission

// Kind is what a permit is for.
type Kind int

const (
	Request  Kind = iota // a call with an answer
	Transfer             // a file that is sent or received
	Stream               // events, as they happen
	Page                 // /metrics, which needs no token and is not free
	kinds
)

func (k Kind) String() string { return [...]string{"request", "transfer", "stream", "page"}[k] }

// The most that a listener takes by default, however many descriptors there are.
const (
	mostConnections = 10_000
	mostRequests    = 1000 // each may hold a body of 256 KiB
	mostTransfers   = 256
	pages           = 16
)

// FewestConnections is how many a listener must take: with fewer there may be one
// permit for each.
const FewestConnections = 64

// perTransfer is how many descriptors a transfer holds beside its connection:
// the drive, the folder, the file.
const perTransfer = 3

// Limits are how much a listener takes at a time.
type Limits struct {
	Connections int
	Permits     [kinds]int // for everybody; administrators have a quarter of it on top
}

// LimitsFor divides a listener's connections. All permits together are fewer than
// the connections, so that one without a permit can always be evicted.
func LimitsFor(connections int) Limits {
	return Limits{connections, [kinds]int{
		Request:  max(1, min(mostRequests, connections/4)),
		Transfer: max(1, min(mostTransfers, connections/8)),
		Stream:   max(1, connections*3/8),
		Page:     pages,
	}}
}

// DefaultConnections is how many connections the API's listener takes in a
// process that may open so many descriptors. With the files of its transfers it
// uses about half of them; the other half is for the store, the flows, the
// watcher and calls to endpoints.
func DefaultConnections(descriptors int) int {
	return max(FewestConnections, min(mostConnections, descriptors/3))
}

// Descriptors is how many descriptors a process must have for a listener of so
// many connections.
func Descriptors(connections int) int {
	transfers := LimitsFor(connections).Permits[Transfer]
	return 2 * (connections + perTransfer*(transfers+reserve(transfers)))
}

// reserve is how many permits administrators have of their own.
func reserve(permits int) int { return max(1, permits/4) }

// share is how many of n connections may be one caller's.
func share(n int) int { return max(n/4, min(n, 16)) }
