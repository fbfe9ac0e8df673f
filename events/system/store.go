package system

import (
	"fmt"

	"spool.internal/events"
	"spool.internal/events/reserve"
)

// Stream is how full a stream is.
type Stream struct {
	Name     string
	Messages uint64
	Bytes    int64
	Limit    int64 // below 1 = none
	Refuses  bool  // when it is full; else it forgets the oldest
	Replicas int
	Lost     int    // of them
	Cluster  string // that keeps it; empty = a server that is alone
	Leader   string // the server in it that leads the stream; empty = none
}

// forgets says what happens when the stream is full.
func (s Stream) forgets() string {
	if s.Refuses {
		return "when it is full it refuses what is new"
	}
	return "when it is full it forgets the oldest"
}

// StreamLine judges how full a stream is. One that forgets is never too full.
func StreamLine(s Stream) Line {
	l := Line{Name: s.Name, Kind: KindStream, State: OK}
	l.Means = fmt.Sprintf("%d messages, %s; %s.", s.Messages, reserve.Size(s.Bytes), s.forgets())
	if s.Limit > 0 {
		l.Means = fmt.Sprintf("%d messages, %s of %s; %s.", s.Messages, reserve.Size(s.Bytes), reserve.Size(s.Limit), s.forgets())
	}
	switch {
	case s.Refuses && s.Limit > 0 && s.Bytes >= s.Limit/100*99:
		l.State = Failed
	case s.Refuses && s.Limit > 0 && s.Bytes >= s.Limit/10*8:
		l.State = Warning
	}
	if l.State != OK {
		l.Todo = "Give the broker a larger --max-store, or see what fills it: spool dead list, spool jobs list --state waiting."
	}
	if s.Cluster != "" && s.Leader == "" {
		l.State, l.Means = Failed, "It has no leader: what it keeps can be neither read nor stored."
		l.Todo = "See the NATS servers of the cluster: more than half of those that keep it must run."
		return l
	}
	if s.Lost > 0 {
		if l.State == OK {
			l.State = Warning
		}
		l.Means += fmt.Sprintf(" %d of its %d replicas are away or behind.", s.Lost, s.Replicas)
		l.Todo = "See the NATS servers of the cluster."
	}
	return l
}

// NoStream is the line of a stream that does not say how full it is.
func NoStream(name string, err error) Line {
	return Line{
		Name: name, Kind: KindStream, State: Failed, Means: "It does not answer: what it keeps can be neither read nor stored.",
		Todo: "See the log of the broker; spool store check looks at the store of a stopped one.", Detail: err.Error(),
	}
}

// NATS is the line of the server that a gateway is connected to.
func NATS(version, cluster, detail string, err error) Line {
	l := Line{Name: "NATS", Kind: KindNATS, State: OK, Means: "Connected to a server of version " + version + ".", Detail: detail, Version: version}
	if cluster != "" {
		l.Means = fmt.Sprintf("Connected to a server of version %s, of the cluster %s.", version, cluster)
	}
	if err != nil {
		l.State, l.Detail = Failed, err.Error()
		l.Means = "The store cannot be used now: nothing is taken or changed."
		l.Todo = "See whether the broker runs; its /readyz says why it is not ready."
	}
	return l
}

// Endpoint is the line of the endpoint of a dispatcher.
func Endpoint(e events.EndpointState) Line {
	l := Line{Name: "endpoint", Kind: KindEndpoint, State: OK, Means: "It takes connections."}
	if e.Refuses.IsZero() {
		return l
	}
	l.State, l.Since, l.Detail = Failed, e.Refuses, e.Reason
	l.Means = fmt.Sprintf("It refuses connections; %d calls wait, and one is tried every few seconds.", e.Waiting)
	l.Todo = "Start the server behind --run-binary-url, or see what is between it and the dispatcher; nothing is lost meanwhile."
	return l
}

// Notices is the line of what waits to be told.
func Notices(n events.NoticesState) Line {
	l := Line{Name: "notices", Kind: KindNotices, State: OK, Means: "None waits."}
	if n.Webhooks+n.Mails == 0 {
		return l
	}
	l.Means = fmt.Sprintf("%d webhooks and %d mails wait for an attempt, or are being sent.", n.Webhooks, n.Mails)
	if n.Webhooks+n.Mails > 100 {
		l.State = Warning
		l.Todo = "See whether the mail server and the receivers of the webhooks answer; spool events --type run shows what was given up."
	}
	return l
}

// Sandbox is the line of a runner: unmet is what is not kept from flows, and what would.
func Sandbox(r events.RunnerState) Line {
	l := Line{Name: "sandbox", Kind: KindSandbox, State: OK, Host: r.Host, Means: "Flows are kept in as far as was asked for (--sandbox " + r.Sandbox + ")."}
	if r.Sandbox == "off" {
		l.State, l.Means = Warning, "It is off: flows can do what the runner's user can."
		l.Todo = "Leave out --sandbox off where flows of several people run."
	}
	if len(r.Unmet) > 0 {
		l.State = Warning
		l.Means = "This host cannot keep flows in completely: none run but those of administrators, unless --sandbox best-effort allows it."
		l.Todo = "Spool's user or kernel lacks something; the detail says what would help."
		for i, u := range r.Unmet {
			if i > 0 {
				l.Detail += "; "
			}
			l.Detail += u
		}
	}
	return l
}
