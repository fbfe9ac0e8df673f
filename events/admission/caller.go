package admission

import (
	"net/netip"
	"strings"
)

// Rank is what is known of a caller.
type Rank int

const (
	Anonymous     Rank = iota // only its address
	Authenticated             // its token is valid
	Admin                     // its token is an administrator's
	Service                   // it is part of the installation: a dispatcher with our secret, a trusted proxy
)

// Caller is what connections and requests are counted by.
type Caller struct {
	Key  string
	Rank Rank
}

// ByToken counts by the id of a token that has been verified.
func ByToken(id string, admin bool) Caller {
	if admin {
		return Caller{"token " + id, Admin}
	}
	return Caller{"token " + id, Authenticated}
}

// ByAddress counts by address. Whoever has one address of IPv6 has the 2^64 of
// its network, so that these count as one.
func ByAddress(a netip.Addr) Caller {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return Caller{"address " + p.String(), Anonymous}
		}
	}
	return Caller{"address " + a.String(), Anonymous}
}

// AddressOf parses host:port or a bare address; the result is invalid when text
// is neither.
func AddressOf(text string) netip.Addr {
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr()
	}
	a, _ := netip.ParseAddr(strings.Trim(text, "[]"))
	return a
}

// Client finds who speaks through trusted proxies: the rightmost address of
// X-Forwarded-For that is not a trusted proxy's. Anybody may have written what
// stands to the left of it. A peer that is no trusted proxy speaks for itself.
func Client(peer netip.Addr, forwarded []string, trusted []netip.Prefix) netip.Addr {
	if !Trusted(peer, trusted) {
		return peer
	}
	hops := strings.Split(strings.Join(forwarded, ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop := AddressOf(strings.TrimSpace(hops[i]))
		if !hop.IsValid() {
			return peer
		}
		peer = hop
		if !Trusted(hop, trusted) {
			return hop
		}
	}
	return peer
}

// Trusted reports whether an address is one of the proxies that are believed.
func Trusted(a netip.Addr, trusted []netip.Prefix) bool {
	a = a.Unmap().WithZone("")
	for _, p := range trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
