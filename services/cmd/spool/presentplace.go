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
	"spool.internal/events/jet"
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

// placesOf tells which machines serve which drives; nil where all have the same, as in one process that
// no other can join.
func (in *instance) placesOf(bus *jet.Bus) func(context.Context) (events.Places, error) {
	if in.place() == "" && !in.set.alone() && in.set.broker.listen == "" {
		return nil
	}
	return bus.Places
}

// warnForeign warns that an endpoint that is not the built-in runner cannot read what lies on the drives
// of one machine alone: the copies of files for their runs lie there.
func (in *instance) warnForeign(ctx context.Context, bus *jet.Bus) {
	var alone []string
	if place := in.place(); place != "" && len(in.set.place.shared) == 0 {
		alone = append(alone, place)
	}
	all, _ := bus.Places(ctx) // what is not known now system shows later
	for _, is := range all.All {
		drives := is.Drives("watcher")
		shared := slices.ContainsFunc(drives, func(d events.ServedDrive) bool { return d.Shared })
		if len(drives) > 0 && !shared && !slices.Contains(alone, is.Name) {
			alone = append(alone, is.Name)
		}
	}
	for _, place := range alone {
		in.log("dispatcher").Warn("files of this machine cannot be read by the endpoint of --run-binary-url, unless it has its drives: declare the drives that both have with --shared-drive", "place", place)
	}
}
