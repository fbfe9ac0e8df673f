package main

import (
	"context"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
)

// servers are the roles that open drives.
var servers = []string{"runner", "watcher", "gateway"}

// bootOf gives the start of the machine of a place.
func bootOf(place string) string {
	if place == "" {
		return ""
	}
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // other systems have none
	return strings.TrimSpace(string(id))
}

// serve finds out which drives a role of a place serves, and has them remembered when they change: what
// is remembered counts while the machine is away.
func (p *presence) serve(ctx context.Context, now time.Time) {
	s := &p.state
	if s.Place == "" || s.Stopped || now.Sub(p.told) < events.RoleEvery/2 || !slices.Contains(servers, s.Role) {
		return
	}
	p.told = now
	ctx, cancel := context.WithTimeout(ctx, events.RoleEvery/2)
	defer cancel()
	recorded, err := p.bus.Drives(ctx)
	if err != nil {
		return // what was said before stands
	}
	served := p.in.drives.Served(recorded)
	if s.Drives != nil && slices.Equal(served, s.Drives) {
		return
	}
	if p.bus.RememberPlace(ctx, events.PlaceDrives{Place: s.Place, Role: s.Role, Drives: served, At: now.UTC()}) == nil {
		s.Drives = served
	}
}

// peerURL is where the gateways of other places reach this one: as --advertise-url says, else at the
// address that it listens on, where others can reach that. Of one that listens on all addresses, or of a
// cluster on one host, the bundle knows the address.
func (in *instance) peerURL() string {
	if in.set.gateway.advertise != "" {
		return strings.TrimRight(in.set.gateway.advertise, "/")
	}
	host, port, err := net.SplitHostPort(in.addr)
	if err != nil {
		return ""
	}
	listens, routes := net.ParseIP(host), ""
	if in.bundle != nil {
		routes, _, _ = net.SplitHostPort(in.bundle.Address())
	}
	ip := net.ParseIP(routes)
	switch {
	case listens != nil && listens.IsUnspecified():
		host = routes
	case listens != nil && listens.IsLoopback() && (ip == nil || !ip.IsLoopback()):
		return ""
	}
	if host == "" {
		return ""
	}
	scheme := "http"
	if in.set.common.tlsCert != "" {
		scheme = "https"
	}
	return (&url.URL{Scheme: scheme, Host: net.JoinHostPort(host, port)}).String()
}
