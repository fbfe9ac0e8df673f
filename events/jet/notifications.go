package jet

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"spool.internal/events"
)

// undeliverableFor is how long it is kept that a notification was given up.
const undeliverableFor = 30 * 24 * time.Hour

// Notifications is the state of a job in one respect; an empty jobID is [events.NoJob].
func (b *Bus) Notifications(jobID, about string) View[events.Notification] {
	return view[events.Notification](b, streamNotifications, notificationSubject(jobID, about))
}

// AllNotifications are the states of all jobs in all respects.
func (b *Bus) AllNotifications() View[events.Notification] {
	return view[events.Notification](b, streamNotifications, allConditionsFilter)
}

// EverNotified is all that is kept of what was notified of a job, delivered or not; an
// empty jobID means every job's.
func (b *Bus) EverNotified(jobID string) View[struct{}] {
	return view[struct{}](b, streamNotifications, orAll(jobID, allNotificationsFilter, notificationsFilter))
}

// Notification reads the state that a delivery carries.
func (d *Delivery) Notification() (events.Notification, error) {
	return decode[events.Notification](d.Stored)
}

// NotificationUndelivered is that a channel has given up the notification at a sequence.
func (b *Bus) NotificationUndelivered(jobID, about string, seq uint64, channel events.Channel) View[events.Undeliverable] {
	return view[events.Undeliverable](b, streamNotifications, undeliverableSubject(jobID, about, seq, channel))
}

// Condition reads the state of a job in one respect, and its sequence; the zero
// state with sequence 0 says that nothing was ever wrong.
func (b *Bus) Condition(ctx context.Context, jobID, about string) (n events.Notification, seq uint64, err error) {
	m, found, err := b.last(ctx, streamNotifications, notificationSubject(jobID, about))
	if err != nil || !found {
		return events.Notification{}, 0, err
	}
	n, err = decode[events.Notification](m)
	return n, m.Sequence, err
}

// PutCondition stores a new state, if the one before stands at the sequence expect
// (0 = there is none). Of all who saw the same change one wins, and the others are
// told [IsConflict]: so it is notified once.
func (b *Bus) PutCondition(ctx context.Context, n events.Notification, expect uint64) error {
	id := fmt.Sprintf("state:%s:%s:%d", n.JobID, n.About, expect)
	trace := n.TriggerID
	if trace == "" {
		trace = id
	}
	_, err := b.commit(ctx, streamNotifications, message{
		Subject: notificationSubject(n.JobID, n.About), Data: body(n), Expect: &expect,
		Header: events.CloudEvent("spool.notification", id, "notify", trace, n.At),
	})
	return err
}

// PutUndeliverable records that a notification was given up. The second record of
// one channel is nothing new, and no error.
func (b *Bus) PutUndeliverable(ctx context.Context, u events.Undeliverable) error {
	m := message{
		Subject: undeliverableSubject(u.JobID, u.About, u.Of, u.Channel), Data: body(u), Expect: new(uint64(0)),
		Header: events.CloudEvent("spool.notification.undelivered", strconv.FormatUint(u.Of, 10)+"."+string(u.Channel), "notify", u.JobID, u.At),
	}
	m.Header[ttlHeader] = undeliverableFor.String()
	_, err := b.commit(ctx, streamNotifications, m)
	if IsConflict(err) {
		return nil
	}
	return err
}

// ForgetConditions takes out all that was notified of a job.
func (b *Bus) ForgetConditions(ctx context.Context, jobID string) error {
	return b.EverNotified(jobID).Clear(ctx)
}
