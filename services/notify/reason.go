package notify

import (
	"errors"
	"fmt"
	"net"
	"net/url"

	"spool.internal/events/scrub"
)

// vague is an error whose text the owner of a job may read. The detail is for the log.
type vague struct {
	error
	detail string
}

// detail returns what the log shows of an error.
func detail(err error) string {
	if v, ok := errors.AsType[vague](err); ok {
		return v.detail
	}
	return err.Error()
}

// unreached returns why a receiver gave no answer. Whoever chooses a URL could learn from the reason what there is in
// the server's networks: so what the guard denies reads like a name that does not exist, and no address is named. Of
// the URL only the host is named: the rest can be a secret, and so can an answer of the receiver.
func unreached(host string, err error, secrets *scrub.Scrubber) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	about := func(text string) string { return secrets.Text(fmt.Sprintf("webhook to %s: %s", host, text)) }
	v := vague{detail: about(err.Error())}
	text := err.Error()
	_, unresolved := errors.AsType[*net.DNSError](err)
	op, network := errors.AsType[*net.OpError](err)
	switch denied := errors.Is(err, errDenied); {
	case denied || unresolved:
		v.error = errors.New(about("there is no such host, or it may not be called: the server's log says which"))
		if denied {
			return final{v}
		}
		return v
	case network:
		text = op.Op + ": " + op.Err.Error()
	}
	v.error = errors.New(about(text))
	return v
}
