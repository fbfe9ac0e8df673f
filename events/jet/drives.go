package jet

import (
	"context"
	"time"

	"spool.internal/events"
)

// PutDrive records a folder of the host as a drive, which [Bus.HostOf] finds from then on.
// One that is recorded stays.
func (b *Bus) PutDrive(ctx context.Context, d events.HostDrive) error {
	_, err := b.commit(ctx, streamDrives, message{Subject: driveSubject(d.Path), Data: body(d), Expect: new(uint64(0))})
	if IsConflict(err) {
		return b.untilThere(ctx, streamDrives, func() (bool, error) {
			_, found, err := b.last(ctx, streamDrives, driveSubject(d.Path))
			return found, err
		})
	}
	return err
}

// Drives reads all that are recorded, in the order in which they were.
func (b *Bus) Drives(ctx context.Context) ([]events.HostDrive, error) {
	all := []events.HostDrive{}
	err := b.since(ctx, streamDrives, allDrivesFilter, time.Time{}, func(m Stored) bool {
		if d, err := decode[events.HostDrive](m); err == nil { // else it is of another version
			all = append(all, d)
		}
		return true
	})
	return all, err
}

// HostOf gives the folder of the host that a recorded drive stands for; "" = none is recorded.
func (b *Bus) HostOf(p events.Path) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	m, found, err := b.last(ctx, streamDrives, driveSubject(p.String()))
	if err != nil || !found {
		return "", err
	}
	d, err := decode[events.HostDrive](m)
	if err != nil || d.Path != p.String() {
		return "", err
	}
	return d.Host, nil
}
