package events

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Target is what flows may connect to by TCP.
type Target struct {
	Host string // a name, or an address as [netip.Addr] spells it
	Port uint16 // 0 = any
}

// String spells the target as a profile does: db.example:5432, [::1]:*.
func (t Target) String() string {
	port := "*"
	if t.Port > 0 {
		port = strconv.Itoa(int(t.Port))
	}
	return net.JoinHostPort(t.Host, port)
}

// ParseTarget reads HOST:PORT. The host is a name, an IPv4 address or an IPv6 address
// in brackets; the port is a number, or * for any.
func ParseTarget(text string) (Target, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return Target{}, fmt.Errorf("%q is not HOST:PORT, like db.example:5432 or [2001:db8::1]:443; the port can be *", text)
	}
	var t Target
	if port != "*" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return Target{}, fmt.Errorf("%q: %q is no port from 1 to 65535, and not * for any", text, port)
		}
		t.Port = uint16(n)
	}
	if a, err := netip.ParseAddr(host); err == nil {
		if a = a.Unmap(); a.Zone() != "" || a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() && a.Is6() {
			return Target{}, fmt.Errorf("%q: %s is no address of one host that can be connected to from everywhere on this one", text, host)
		}
		t.Host = a.String()
		return t, nil
	}
	t.Host = strings.ToLower(strings.TrimSuffix(host, "."))
	if !isHostName(t.Host) {
		return Target{}, fmt.Errorf("%q: %q is no name of a host, and no address", text, host)
	}
	return t, nil
}

// isHostName holds names to what stands in /etc/hosts: what looks like an address is none.
func isHostName(name string) bool {
	labels := strings.Split(name, ".")
	last := labels[len(labels)-1]
	return len(name) <= 253 && strings.Trim(last, "0123456789") != "" && !strings.HasPrefix(last, "0x") && !slices.ContainsFunc(labels, func(l string) bool {
		return l == "" || len(l) > 63 || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-_") != ""
	})
}

// network reads a line about networks.
func (p *Profile) network(word, value string) error {
	switch word {
	case "connect":
		return p.connect(value)
	case "listen":
		if value != "" {
			return fmt.Errorf("listen stands alone: leave out %q", value)
		}
		p.Listen = true
	default:
		if value != NetworkNone && value != NetworkAny {
			return fmt.Errorf("network: %q is not none or any; what may be connected to stands in \"connect HOST:PORT\"", value)
		}
		p.Network = value
	}
	return nil
}

// connect reads the targets of one line.
func (p *Profile) connect(value string) error {
	targets := strings.Fields(value)
	if len(targets) == 0 {
		return fmt.Errorf("connect: name what may be connected to, like db.example:5432")
	}
	for _, text := range targets {
		t, err := ParseTarget(text)
		if err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		if !slices.Contains(p.Connect, t.String()) {
			p.Connect = append(p.Connect, t.String())
		}
	}
	return nil
}
