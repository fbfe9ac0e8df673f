package gateway

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/wire"
)

// How long the gateway of another machine may take to be reached, to answer, and to answer once it has
// a file: it syncs that to its disk first. A client may neither send nor take anything for peerIdle.
const (
	peerDial    = 3 * time.Second
	peerAnswers = 30 * time.Second
	peerStores  = 5 * time.Minute
	peerIdle    = time.Minute
)

// peers reach the gateways of other machines. Their addresses come out of what gateways say of themselves
// with their own credential, and out of nothing that a caller sends.
type peers struct {
	place    string // of this gateway
	insecure bool   // tokens may travel in clear
	most     int64  // bytes of a body
	quick    *http.Transport
	patient  *http.Transport
}

func newPeers(c Config) (*peers, error) {
	roots, err := c.peerRoots()
	if err != nil {
		return nil, err
	}
	p := &peers{insecure: c.PeerInsecure, most: c.MaxUpload}
	if c.Drives != nil {
		p.place = c.Drives.Place()
	}
	if p.most == 0 {
		p.most = 5 << 30
	}
	p.quick = &http.Transport{
		DialContext:     (&net.Dialer{Timeout: peerDial}).DialContext,
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: peerDial,
		MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute, DisableCompression: true,
		ResponseHeaderTimeout: peerAnswers, ExpectContinueTimeout: peerDial,
	} // no proxy: peers are on the network of the cluster
	p.patient = p.quick.Clone()
	p.patient.ResponseHeaderTimeout = peerStores
	return p, nil
}

// peerRoots reads the authorities that sign the certificates of other gateways; nil = the system's.
func (c Config) peerRoots() (*x509.CertPool, error) {
	if c.PeerCA == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.PeerCA)
	if err != nil {
		return nil, fmt.Errorf("peer-ca: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, events.Faultf(events.Invalid, "peer-ca", "%s holds no certificate, as PEM", c.PeerCA)
	}
	return roots, nil
}

// CheckPeerURL refuses what cannot be the address of a gateway for others.
func CheckPeerURL(field, text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return events.Faultf(events.Invalid, field, "is not the address of a gateway: write it like https://m1.example.com:8080, without a path or a password")
	}
	return nil
}

// target gives the address of a place, if its callers' tokens may go there.
func (p *peers) target(at events.Place) (*url.URL, error) {
	if CheckPeerURL("", at.API) != nil {
		return nil, events.Faultf(events.Unavailable, "path", "%s says an address of its gateway that is none: start it with --advertise-url", at.Name)
	}
	u, err := url.Parse(at.API)
	if err != nil {
		return nil, err
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if local := u.Hostname() == "localhost" || err == nil && ip.Unmap().IsLoopback(); u.Scheme == "http" && !local && !p.insecure {
		return nil, events.Faultf(events.Unavailable, "path", "the gateway of %s is reached without TLS, and tokens would travel in clear: start it with --tls-cert, or this one with --insecure in a network of its own", at.Name)
	}
	return u, nil
}

// pass has the gateway of a place answer a request, with the caller's own credentials.
func (p *peers) pass(w http.ResponseWriter, r *http.Request, at events.Place, what about) error {
	to, err := p.target(at)
	if err != nil {
		return err
	}
	sent, err := url.ParseRequestURI(r.RequestURI)
	if err != nil {
		return events.Faultf(events.Invalid, "path", "cannot be read")
	}
	var failed error
	transport := p.quick
	if r.ContentLength != 0 {
		transport = p.patient
		r.Body = p.bounded(w, r)
	}
	proxy := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(out *httputil.ProxyRequest) {
			out.SetXForwarded()
			out.Out.URL = &url.URL{Scheme: to.Scheme, Host: to.Host, Path: sent.Path, RawPath: sent.RawPath, RawQuery: sent.RawQuery}
			out.Out.Host = r.Host // a browser's origin is compared with it
			out.Out.Header.Set(HeaderForwarded, p.place)
			out.Out.Header.Set(wire.HeaderRequestID, w.Header().Get(wire.HeaderRequestID))
		},
		ModifyResponse: func(answer *http.Response) error {
			for key := range answer.Header {
				w.Header().Del(key) // else it is there twice
			}
			return nil
		},
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) { failed = err },
		ErrorLog:     log.New(io.Discard, "", 0), // the client sees an answer that breaks off
	}
	proxy.ServeHTTP(&steady{w}, r)
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // the connection serves other requests
	if failed == nil {
		return nil
	}
	return peerFault(r.Context(), failed, at, what)
}

// peerFault puts into words why a request could not be passed on. What was sent may have been done.
func peerFault(ctx context.Context, err error, at events.Place, what about) error {
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return wire.Refuse(http.StatusRequestEntityTooLarge, "", "", "the file is larger than %d bytes, the most that this server takes", large.Limit)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, errBroken) {
		return events.Faultf(events.Invalid, "", "the file did not arrive whole: send it again")
	}
	why := err.Error()
	if u, ok := errors.AsType[*url.Error](err); ok {
		why = u.Err.Error()
	}
	return events.Faultf(events.Unavailable, what.field, "the drive %s lies on %s, last heard of at %s, whose gateway does not answer this one: %s",
		what.path.Drive, at.Name, at.Heard.UTC().Format("15:04:05 UTC"), why)
}

// errBroken is in the chain of a body that did not arrive.
var errBroken = errors.New("the body broke off")

// bounded is the body of a request with the bounds of one that is stored here.
func (p *peers) bounded(w http.ResponseWriter, r *http.Request) io.ReadCloser {
	control := http.NewResponseController(w)
	return &bounded{http.MaxBytesReader(w, r.Body, p.most), func(until time.Time) {
		_ = control.SetReadDeadline(until) // not every connection has deadlines
	}}
}

type bounded struct {
	io.ReadCloser
	wait func(until time.Time) // for the next bytes; zero = for as long as it takes
}

func (b *bounded) Read(to []byte) (int, error) {
	b.wait(time.Now().Add(peerIdle))
	n, err := b.ReadCloser.Read(to)
	if err != nil {
		b.wait(time.Time{}) // the disk of the other machine takes as long as it takes
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); err != nil && !errors.Is(err, io.EOF) && !large {
		err = fmt.Errorf("%w: %w", errBroken, err)
	}
	return n, err
}

// steady is an answer whose reader may not stall for ever.
type steady struct{ http.ResponseWriter }

func (s *steady) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s *steady) Write(b []byte) (int, error) {
	control := http.NewResponseController(s.ResponseWriter)
	_ = control.SetWriteDeadline(time.Now().Add(peerIdle)) // not every connection has deadlines
	return s.ResponseWriter.Write(b)
}
