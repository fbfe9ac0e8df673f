package admission_test

import (
	"net/netip"
	"testing"

	"spool.internal/events/admission"
)

func TestByAddress(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7":            "address 192.0.2.7",
		"::ffff:192.0.2.7":     "address 192.0.2.7",
		"2001:db8:1:2:3:4:5:6": "address 2001:db8:1:2::/64",
		"2001:db8:1:2::9":      "address 2001:db8:1:2::/64",
		"2001:db8:1:3::9":      "address 2001:db8:1:3::/64",
		"fe80::1%eth0":         "address fe80::/64",
		"nonsense":             "address invalid IP",
	} {
		if got := admission.ByAddress(admission.AddressOf(text)); got.Key != want || got.Rank != admission.Anonymous {
			t.Errorf("%s counts as %v, want %s", text, got, want)
		}
	}
}

func TestAddressOf(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7:80": "192.0.2.7", "192.0.2.7": "192.0.2.7", "[2001:db8::1]:80": "2001:db8::1",
		"[2001:db8::1]": "2001:db8::1", "2001:db8::1": "2001:db8::1", "": "invalid IP", "unknown": "invalid IP", "pipe": "invalid IP",
	} {
		if got := admission.AddressOf(text).String(); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

// Whatever a client writes into X-Forwarded-For, only what trusted proxies have
// added counts.
func TestClient(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:f::/48")}
	for _, c := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"no proxy", "192.0.2.1", nil, "192.0.2.1"},
		{"no proxy, but a header", "192.0.2.1", []string{"198.51.100.9"}, "192.0.2.1"},
		{"through a proxy", "10.0.0.1", []string{"198.51.100.9"}, "198.51.100.9"},
		{"through two", "10.0.0.1", []string{"198.51.100.9, 10.0.0.2"}, "198.51.100.9"},
		{"two headers", "10.0.0.1", []string{"198.51.100.9", "10.0.0.2"}, "198.51.100.9"},
		{"what the client claims", "10.0.0.1", []string{"203.0.113.1, 127.0.0.1, 198.51.100.9"}, "198.51.100.9"},
		{"a claim to be the proxy", "10.0.0.1", []string{"10.9.9.9, 198.51.100.9"}, "198.51.100.9"},
		{"with a port", "10.0.0.1", []string{"198.51.100.9:4711"}, "198.51.100.9"},
		{"IPv6", "2001:db8:f::1", []string{"2001:db8:1::5"}, "2001:db8:1::5"},
		{"IPv6 with a port", "10.0.0.1", []string{"[2001:db8:1::5]:99"}, "2001:db8:1::5"},
		{"a mapped peer", "::ffff:10.0.0.1", []string{"198.51.100.9"}, "198.51.100.9"},
		{"nothing added", "10.0.0.1", nil, "10.0.0.1"},
		{"nonsense", "10.0.0.1", []string{"198.51.100.9, nonsense"}, "10.0.0.1"},
		{"nonsense behind a proxy", "10.0.0.1", []string{"nonsense, 10.0.0.2"}, "10.0.0.2"},
		{"all trusted", "10.0.0.1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
	} {
		if got := admission.Client(netip.MustParseAddr(c.peer), c.forwarded, trusted).String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
