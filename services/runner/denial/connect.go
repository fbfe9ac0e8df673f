package denial

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"spool.internal/events"
	"spool.internal/services/runner/cell"
)

// What programs print of names that they could not look up, and where the name stands in it.
var (
	saysUnknownHost = regexp.MustCompile(`(?i)resolv|name or service not known|name resolution|no such host|unknown ?host|ENOTFOUND|EAI_AGAIN|translate host name|nodename nor servname|lookup`)
	namesHost       = regexp.MustCompile(`(?i)\b((?:[a-z0-9_-]+\.)*[a-z0-9_-]*[a-z][a-z0-9_-]*)(?::(\d{1,5})\b)?`)
	namesURLHost    = regexp.MustCompile(`(?i)\b(https?|wss?|ftp|postgres(?:ql)?|mysql|redis|amqp|nats|ssh)://(?:[^/@\s"']*@)?([a-z0-9._-]*[a-z][a-z0-9._-]*)(?::(\d{1,5}))?`)
	namesFault      = regexp.MustCompile(`(?:error|exception)$`) // socket.gaierror
	usualPorts      = map[string]string{"http": "80", "ws": "80", "https": "443", "wss": "443", "ftp": "21", "postgres": "5432", "postgresql": "5432", "mysql": "3306", "redis": "6379", "amqp": "5672", "nats": "4222", "ssh": "22"}
)

// Host is a name and its addresses.
type Host struct {
	Name  string
	Addrs []netip.Addr
}

// Connection says what a flow was not connected to, and which line of a profile would allow it.
// known are the names that it may connect to.
func Connection(known []Host, denied []cell.Peer, said string) string {
	if len(denied) > 0 {
		p := denied[len(denied)-1]
		addr := netip.AddrFrom16(p.Addr).Unmap()
		at := events.Target{Host: addr.String(), Port: uint16(p.Port)}
		for _, h := range known { // its name, where it is one that is granted at another port
			if slices.Contains(h.Addrs, addr) {
				at.Host = h.Name
			}
		}
		return fmt.Sprintf("the sandbox denied a connection to %s, which the profile line \"connect %s\" would allow", netip.AddrPortFrom(addr, uint16(p.Port)), at)
	}
	for _, line := range slices.Backward(strings.Split(said, "\n")) {
		if !saysUnknownHost.MatchString(line) {
			continue
		}
		if host, port := hostIn(line); host != "" {
			return fmt.Sprintf("the sandbox knows no address of %s, which the profile line \"connect %s:%s\" would allow", host, host, port)
		}
	}
	return ""
}

// hostIn finds the name that a line is about: that of a URL, or one with a dot in it.
func hostIn(line string) (host, port string) {
	if m := namesURLHost.FindStringSubmatch(line); m != nil {
		if port = m[3]; port == "" {
			port = usualPorts[strings.ToLower(m[1])]
		}
		return strings.ToLower(m[2]), port
	}
	for _, m := range slices.Backward(namesHost.FindAllStringSubmatch(line, -1)) {
		host, port := strings.ToLower(m[1]), m[2]
		if _, err := events.ParseTarget(host + ":1"); err != nil || !strings.Contains(host, ".") || namesFault.MatchString(host) {
			continue
		}
		if port == "" {
			port = "PORT"
		}
		return host, port
	}
	return "", ""
}
