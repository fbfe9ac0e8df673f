package jet

import (
	"context"
	"sync"
	"time"

	"spool.internal/events"
)

// placesFor is how long what is known of the places is used before it is read anew, and placesStale
// for how long when it cannot be.
const (
	placesFor   = 3 * time.Second
	placesStale = time.Minute
)

// placesCache is what was last read of the places. It is safe for concurrent use.
type placesCache struct {
	mu         sync.Mutex
	heard      []events.HeardRole
	remembered []events.PlaceDrives
	read       time.Time // zero = never
	tried      time.Time
	err        error
}

// Places gives the machines that have said of themselves which drives they serve, the live ones and
// those that are away. It costs a request every few seconds, however often it is asked; while the
// store does not answer, what was read in the last minute counts.
func (b *Bus) Places(ctx context.Context) (events.Places, error) {
	c := &b.places
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.tried) > placesFor {
		heard, remembered, err := b.readPlaces(ctx)
		if c.tried, c.err = time.Now(), err; err == nil {
			c.heard, c.remembered, c.read = heard, remembered, now
		}
	}
	since := time.Since(c.read)
	if c.err != nil && (c.read.IsZero() || since > placesStale) {
		return events.Places{}, c.err
	}
	return events.PlacesOf(c.heard, c.remembered, since), nil
}

// readPlaces reads what is said and remembered. A place and a role are what the subject says.
func (b *Bus) readPlaces(ctx context.Context) (heard []events.HeardRole, remembered []events.PlaceDrives, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if heard, err = b.HeardRoles(ctx); err != nil {
		return nil, nil, err
	}
	err = b.lastOf(ctx, streamDrives, []string{allPlacesFilter}, func(m Stored) {
		if r, err := decode[events.PlaceDrives](m); err == nil && m.Subject == placeSubject(r.Place, r.Role) {
			remembered = append(remembered, r)
		}
	})
	return heard, remembered, err
}

// RememberPlace keeps what a role of a place serves for while it is away.
func (b *Bus) RememberPlace(ctx context.Context, d events.PlaceDrives) error {
	_, err := b.commit(ctx, streamDrives, message{Subject: placeSubject(d.Place, d.Role), Data: body(d)})
	return err
}

// ForgetPlace forgets what a place served: a machine that never comes back.
func (b *Bus) ForgetPlace(ctx context.Context, place string) error {
	for _, of := range []struct{ stream, filter string }{
		{streamDrives, placeSubject(place, "*")},
	} {
		if err := b.purge(ctx, of.stream, purgeRequest{Filter: of.filter}); err != nil {
			return err
		}
	}
	return nil
}

// ClaimSharedDrive records the id of a shared drive, once: it gives what is recorded, by whoever was
// first.
func (b *Bus) ClaimSharedDrive(ctx context.Context, d events.SharedDrive) (events.SharedDrive, error) {
	_, err := b.commit(ctx, streamDrives, message{Subject: sharedSubject(d.Name), Data: body(d), Expect: new(uint64(0))})
	if !IsConflict(err) {
		return d, err
	}
	had, found := events.SharedDrive{}, false
	err = b.untilThere(ctx, streamDrives, func() (bool, error) {
		had, found, err = b.SharedDrive(ctx, d.Name)
		return found, err
	})
	if err == nil && !found {
		err = &events.Error{Code: events.Unavailable, Message: "the record of the drive " + d.Name + " is on its way: try again"}
	}
	return had, err
}

// SharedDrive reads the record of a shared drive; found is false when there is none.
func (b *Bus) SharedDrive(ctx context.Context, name string) (d events.SharedDrive, found bool, err error) {
	m, found, err := b.last(ctx, streamDrives, sharedSubject(name))
	if err == nil && found {
		d, err = decode[events.SharedDrive](m)
	}
	return d, found, err
}

// placeSubject holds the [events.PlaceDrives] of one role of a place.
func placeSubject(place, role string) string { return familyPlace + "." + place + "." + role }

// sharedSubject holds the [events.SharedDrive] of a name.
func sharedSubject(name string) string { return familyShared + "." + events.Hash(name) }
