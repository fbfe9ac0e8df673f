package daemon

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"time"

	"spool.internal/events/admission"
)

// drainTime is how long the rest of an unread body is waited for.
const drainTime = 5 * time.Second

// receive is the outermost handler of a listener: it knows the client behind a
// trusted proxy, and holds bodies to the minimum rate.
func (l *counted) receive(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := admission.Of(r.Context()).(*conn)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		// The server looks at the body of its own request, and must not find ours.
		own := *r
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !admission.Trusted(peer.Addr(), l.trusted) {
			own.Header.Del("X-Forwarded-Proto") // anybody may have written that
		}
		if err == nil && len(l.trusted) > 0 {
			client := admission.Client(peer.Addr(), r.Header.Values("X-Forwarded-For"), l.trusted)
			if client != peer.Addr() {
				own.RemoteAddr = netip.AddrPortFrom(client, 0).String()
			}
		}
		if r.Body != nil && r.Body != http.NoBody {
			b := &body{ReadCloser: r.Body, conn: c, budget: l.rate.Budget()}
			own.Body = b
			b.arm(time.Now())
			defer b.abandon()
		}
		next.ServeHTTP(w, &own)
	})
}

// body is one that has to arrive at the minimum rate.
type body struct {
	io.ReadCloser
	conn   *conn
	budget admission.Budget
	armed  time.Time // the socket's deadline
	whole  bool
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	if b.whole {
		return b.ReadCloser.Read(p)
	}
	began := time.Now()
	b.arm(began)
	n, err := b.ReadCloser.Read(p)
	b.budget.Spend(time.Since(began), n)
	switch {
	case err == nil:
	case err == io.EOF: //nolint:errorlint // a reader's end is never wrapped
		b.whole = true
		_ = b.conn.SetReadDeadline(time.Time{}) // else it would end the request
	case errors.Is(err, os.ErrDeadlineExceeded):
		b.conn.Refused("slow_body")
	}
	return n, err
}

// arm sets the socket's deadline, unless the one that it has leaves enough time.
func (b *body) arm(now time.Time) {
	if left := b.budget.Left(); b.armed.Sub(now) <= left/2 || b.armed.Sub(now) > left {
		b.armed = now.Add(left)
		_ = b.conn.SetReadDeadline(b.armed)
	}
}

// abandon bounds the time for which the server reads on.
func (b *body) abandon() {
	if !b.whole {
		_ = b.conn.SetReadDeadline(time.Now().Add(drainTime))
	}
}

// connContext and connState tell a server's connections to their listener.
func connContext(ctx context.Context, c net.Conn) context.Context {
	if counted := of(c); counted != nil {
		return admission.With(ctx, counted)
	}
	return ctx
}

func connState(c net.Conn, state http.ConnState) {
	if counted := of(c); counted != nil {
		counted.entry.Busy.Store(state == http.StateActive)
		if state == http.StateIdle || state == http.StateClosed {
			counted.answered()
		}
	}
}
