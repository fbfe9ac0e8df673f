package admission

import "context"

// Conn is the connection that a request came on, as its listener counts it.
type Conn interface {
	// Admit acquires a permit for the request in progress, until it is answered,
	// and counts the connection as who's. While the permit is held, valid is asked
	// several times a second; when it says false the connection is closed. A
	// request that has a permit keeps it.
	Admit(kind Kind, who Caller, valid func() bool) Refusal
	// Demote counts the connection by its address again.
	Demote()
	// Caller is whom the connection was last counted as.
	Caller() Caller
	// Refused counts a request that was refused, by reason.
	Refused(reason string)
}

type connKey struct{}

// With passes a connection to the requests that come on it.
func With(ctx context.Context, c Conn) context.Context { return context.WithValue(ctx, connKey{}, c) }

// Of gives the connection of a request. Where the listener counts nothing, all
// are admitted.
func Of(ctx context.Context) Conn {
	if c, ok := ctx.Value(connKey{}).(Conn); ok {
		return c
	}
	return uncounted{}
}

type uncounted struct{}

func (uncounted) Admit(Kind, Caller, func() bool) Refusal { return "" }
func (uncounted) Demote()                                 {}
func (uncounted) Caller() Caller                          { return Caller{} }
func (uncounted) Refused(string)                          {}
