package admission_test

import (
	"fmt"
	"net/netip"
	"testing"

	"spool.internal/events/admission"
)

func at(address string) admission.Caller { return admission.ByAddress(netip.MustParseAddr(address)) }

// fill adds n connections of a caller.
func fill(t *testing.T, p *admission.Pool, n int, who admission.Caller) []*admission.Entry {
	t.Helper()
	entries := make([]*admission.Entry, n)
	for i := range entries {
		entries[i] = &admission.Entry{}
		if _, ok := p.Add(entries[i], who); !ok {
			t.Fatalf("connection %d of %s is refused", i, who.Key)
		}
	}
	return entries
}

func in(entries []*admission.Entry) (n int) {
	for _, e := range entries {
		if e.Caller().Key != "" {
			n++
		}
	}
	return n
}

func TestAnAddressLosesItsOldest(t *testing.T) {
	p := admission.NewPool(100)
	other := fill(t, p, 1, at("192.0.2.1"))
	crowd := fill(t, p, 1000, at("192.0.2.2"))
	if n := in(crowd); n != 25 || in(crowd[:975]) != 0 {
		t.Errorf("%d of 1000 connections of one address are kept, %d of them old", n, in(crowd[:975]))
	}
	if in(other) != 1 || p.Len() != 26 {
		t.Errorf("another address has %d, all %d", in(other), p.Len())
	}
}

func TestTheLargestAddressMakesRoom(t *testing.T) {
	p := admission.NewPool(100)
	var crowds [][]*admission.Entry
	single := fill(t, p, 1, at("192.0.2.200"))
	for n := range 9 {
		crowds = append(crowds, fill(t, p, 11, at(fmt.Sprintf("192.0.2.%d", n))))
	}
	if p.Len() != 100 {
		t.Fatalf("%d connections", p.Len())
	}
	large := fill(t, p, 20, at("198.51.100.1"))
	if in(single) != 1 || p.Len() != 100 {
		t.Errorf("%d connections, the single one is in: %v", p.Len(), in(single) == 1)
	}
	for n, c := range append(crowds, large) {
		if got := in(c); got < 8 || got > 12 {
			t.Errorf("crowd %d has %d connections left: not shared out", n, got)
		}
	}
}

// Anonymous connections go first, then idle ones; a request in progress is never cut.
func TestWhoGoesFirst(t *testing.T) {
	p := admission.NewPool(64)
	busy, idle := fill(t, p, 16, admission.ByToken("busy", false)), fill(t, p, 15, admission.ByToken("idle", false))
	for _, e := range busy {
		e.Busy.Store(true)
	}
	more := fill(t, p, 16, admission.ByToken("more", true))
	for _, e := range more {
		e.Busy.Store(true)
	}
	strangers := fill(t, p, 16, at("192.0.2.1"))
	fill(t, p, 1, admission.ByToken("last", false))
	if p.Len() != 64 {
		t.Fatalf("%d connections", p.Len())
	}
	add := func(who admission.Caller) (*admission.Entry, bool) { return p.Add(&admission.Entry{}, who) }
	for n := range 16 {
		if e, ok := add(admission.ByToken(fmt.Sprint("new", n), false)); !ok || e != strangers[n] {
			t.Fatalf("newcomer %d evicts another than the oldest stranger, %v", n, ok)
		}
	}
	for n := range 14 {
		if e, ok := add(admission.ByToken(fmt.Sprint("newer", n), false)); !ok || e != idle[n] {
			t.Fatalf("newcomer %d evicts another than the oldest idle connection, %v", n, ok)
		}
	}
	if in(busy) != 16 || in(more) != 16 {
		t.Error("a request in progress was cut")
	}
}

func TestNoRoomAtAll(t *testing.T) {
	p := admission.NewPool(16)
	for _, e := range fill(t, p, 16, admission.ByToken("t", false)) {
		e.Busy.Store(true)
	}
	if _, ok := p.Add(&admission.Entry{}, at("192.0.2.1")); ok || p.Len() != 16 || p.Evict() != nil {
		t.Errorf("a connection was added to %d that are all at work", p.Len())
	}
}

func TestReassign(t *testing.T) {
	p := admission.NewPool(64)
	token := admission.ByToken("t", false)
	crowd := fill(t, p, 16, at("192.0.2.1"))
	mine := crowd[0]
	if gone, ok := p.Reassign(mine, token); gone != nil || !ok || mine.Caller() != token {
		t.Fatalf("evicts %v, %v", gone, ok)
	}
	fill(t, p, 1000, at("192.0.2.1"))
	if mine.Caller() != token {
		t.Error("a connection with a token went with its neighbours'")
	}
	// A token's share is its own: the oldest idle connection goes, and without an idle one nothing.
	own := fill(t, p, 15, token)
	last := &admission.Entry{}
	p.Add(last, at("192.0.2.2"))
	mine.Busy.Store(true)
	if gone, ok := p.Reassign(last, token); gone != own[0] || !ok {
		t.Errorf("evicts %v, %v", gone, ok)
	}
	for _, e := range own {
		e.Busy.Store(true)
	}
	last.Busy.Store(true)
	extra := &admission.Entry{}
	p.Add(extra, at("192.0.2.2"))
	if gone, ok := p.Reassign(extra, token); gone != nil || ok || extra.Caller() != at("192.0.2.2") {
		t.Errorf("a token with all at work: evicts %v, %v", gone, ok)
	}
	if gone, ok := p.Reassign(extra, admission.Caller{Key: "dispatcher", Rank: admission.Service}); gone != nil || !ok {
		t.Errorf("a service: %v, %v", gone, ok)
	}
	// What is out stays out.
	p.Remove(extra)
	p.Remove(extra)
	if _, ok := p.Reassign(extra, token); !ok || extra.Caller().Key != "" {
		t.Error("a removed connection came back")
	}
}
