package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/mail"
	"net/url"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"

	"spool.internal/events"
)

// smtpTimeout bounds each step of an SMTP session.
const smtpTimeout = 15 * time.Second

// relay is the SMTP server that mail goes through.
type relay struct {
	host     string
	port     int
	implicit bool // TLS from the first byte on, instead of STARTTLS
	clear    bool // no TLS at all
	user     string
	password string
	from     *mail.Address
	roots    *x509.CertPool // nil = the system's
}

// parseRelay reads smtp://user:password@host:587?from=spool@example.com.
// No error repeats the URL: it holds a password.
func parseRelay(text string) (*relay, error) {
	fault := func(format string, args ...any) (*relay, error) {
		return nil, events.Faultf(events.Invalid, "smtp-url", format, args...)
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.Fragment != "" {
		return fault("is not of the form smtp://user:password@host:587?from=spool@example.com (%%40 stands for @ in the user or the password)")
	}
	r := &relay{host: u.Hostname(), user: u.User.Username()}
	r.password, _ = u.User.Password()
	switch u.Scheme {
	case "smtp":
		r.port = 587
	case "smtps":
		r.port, r.implicit = 465, true
	default:
		return fault("begins with %q: smtp:// is STARTTLS, smtps:// is TLS from the start", u.Scheme+"://")
	}
	if u.Port() != "" {
		if r.port, err = strconv.Atoi(u.Port()); err != nil || r.port < 1 || r.port > 65535 {
			return fault("port %q is outside 1-65535", u.Port())
		}
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return fault("what follows ? is not of the form from=spool@example.com&tls=none")
	}
	for key := range q {
		if key != "from" && key != "tls" {
			return fault("%q is not a parameter: from and tls are", key)
		}
	}
	if r.from, err = mail.ParseAddress(q.Get("from")); err != nil {
		return fault("from=%q is not an e-mail address: it is whom the mail comes from", q.Get("from"))
	}
	switch q.Get("tls") {
	case "":
	case "none":
		r.clear = true
		if r.user != "" || r.implicit {
			return fault("tls=none is for smtp:// without a user: a password would travel in clear")
		}
	default:
		return fault("tls=%q is not known: TLS is required unless tls=none", q.Get("tls"))
	}
	return r, nil
}

// send hands messages to the relay in one session. What became of each is said
// by the message; the error is that of the session.
func (r *relay) send(ctx context.Context, messages []*gomail.Msg) error {
	conf := &tls.Config{ServerName: r.host, RootCAs: r.roots, MinVersion: tls.VersionTLS12}
	opts := []gomail.Option{
		gomail.WithPort(r.port), gomail.WithTimeout(smtpTimeout), gomail.WithTLSConfig(conf),
		gomail.WithTLSPolicy(gomail.TLSMandatory), gomail.WithDialContextFunc(r.dial(ctx, conf)),
	}
	switch {
	case r.implicit: // the connection comes encrypted
		opts = append(opts, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	case r.clear:
		opts = append(opts, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if r.user != "" {
		opts = append(opts, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(r.user), gomail.WithPassword(r.password))
	}
	c, err := gomail.NewClient(r.host, opts...)
	if err != nil {
		return err
	}
	return c.DialAndSendWithContext(ctx, messages...)
}

// dial connects; the end of ctx ends the session too, not only the dialling, and
// closes the connection of one that failed.
func (r *relay) dial(ctx context.Context, conf *tls.Config) gomail.DialContextFunc {
	return func(dialling context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(dialling, network, address)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { _ = conn.Close() })
		if !r.implicit {
			return conn, nil
		}
		secure := tls.Client(conn, conf)
		if err := secure.HandshakeContext(dialling); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return secure, nil
	}
}
