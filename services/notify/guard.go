package notify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"

	"spool.internal/events"
)

// Networks that a URL of an administrator may lead to unless denied: self-hosted receivers are in the same network.
// Other special addresses (link-local, multicast, reserved, …) are denied to everybody.
var (
	localV4 = prefixes("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
	localV6 = prefixes("::1/128", "fc00::/7")
)

// metadata are the metadata services of clouds outside the link-local range: they hand out a machine's credentials.
var metadata = prefixes(
	"100.100.100.200/32", // Alibaba
	"168.63.129.16/32",   // Azure
	"fd00:ec2::254/128",  // AWS
	"fd20:ce::254/128",   // Google
)

func prefixes(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, s := range texts {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}

// guard decides which addresses a webhook may connect to. It judges the address that is dialled, after the name was
// resolved, so a name that resolves to another address than a moment ago is judged by the new one (DNS rebinding).
type guard struct {
	allow, deny rules
	private     *ssrf.Guardian // allows private networks
	public      *ssrf.Guardian // denies them
	dialer      net.Dialer
}

// rules are networks and names of hosts.
type rules struct {
	networks []netip.Prefix
	names    []string // "host", or ".domain" for every host below it
}

func newGuard(allow, deny []string) (*guard, error) {
	g := &guard{
		public:  ssrf.New(ssrf.WithAnyPort()),
		private: ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(localV4...), ssrf.WithAllowedV6Prefixes(localV6...)),
		dialer:  net.Dialer{Timeout: 10 * time.Second},
	}
	var err1, err2 error
	g.allow, err1 = readRules("webhook-allow", allow)
	g.deny, err2 = readRules("webhook-deny", deny)
	g.deny.networks = append(g.deny.networks, metadata...)
	return g, errors.Join(err1, err2)
}

func readRules(flag string, texts []string) (rules, error) {
	var r rules
	var errs []error
	for _, s := range texts {
		if p, err := netip.ParsePrefix(s); err == nil {
			r.networks = append(r.networks, p.Masked())
		} else if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
			r.networks = append(r.networks, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
		} else if s == "" || strings.ContainsAny(s, " /:*") {
			errs = append(errs, events.Faultf(events.Invalid, flag, "%q is neither a network like 10.0.0.0/8, nor an address, "+
				"nor the name of a host (.example.com for every host below it)", s))
		} else {
			r.names = append(r.names, canonical(s))
		}
	}
	return r, errors.Join(errs...)
}

func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// name reports whether a rule names the host.
func (r rules) name(host string) bool {
	host = canonical(host)
	for _, n := range r.names {
		if host == n || n[0] == '.' && strings.HasSuffix(host, n) {
			return true
		}
	}
	return false
}

// address reports whether a rule covers the address.
func (r rules) address(a netip.Addr) bool {
	for _, p := range r.networks {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// errDenied is in the chain of the error of a dial that the guard refused.
var errDenied = errors.New("is not allowed: --webhook-allow would")

// dial connects to one of the addresses of a host that the guard allows.
func (g *guard) dial(ctx context.Context, network, hostPort string, judge *ssrf.Guardian) (net.Conn, error) {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		return nil, err
	}
	d := g.dialer
	switch {
	case g.allow.name(host):
	case g.deny.name(host):
		return nil, fmt.Errorf("the host %s %w", host, errDenied)
	default:
		d.Control = func(_, address string, _ syscall.RawConn) error { return g.control(address, judge) }
	}
	return d.DialContext(ctx, network, hostPort)
}

// control refuses the address that is about to be dialled unless it is allowed.
func (g *guard) control(address string, judge *ssrf.Guardian) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	a := ap.Addr().Unmap()
	if g.allow.address(a) {
		return nil
	}
	if g.deny.address(a) || judge.SafeAddr(a) != nil {
		return fmt.Errorf("the address %s %w", a, errDenied)
	}
	return nil
}
