package jet

import (
	"context"
	"strconv"
	"time"

	"spool.internal/events"
)

// The notices of the end of a run: by each channel it was told, or given up, or somebody has
// it sent again. The newest of each counts.

// toldSubject carries that the end of one run was told by one channel.
func toldSubject(jobID, flowJobID string, channel events.Channel) string {
	return runSubject(events.Told, jobID, flowJobID) + "." + string(channel)
}

// noticeAgainPrefix begins the subjects of notices that somebody has sent again.
const noticeAgainPrefix = familyNotify + ".again"

func noticeAgainSubject(jobID, flowJobID string, channel events.Channel) string {
	return noticeAgainPrefix + "." + jobID + "." + flowJobID + "." + string(channel)
}

// RunTold is that the end of a run was told by a channel.
func (b *Bus) RunTold(jobID, flowJobID string, channel events.Channel) View[events.RunEvent] {
	return view[events.RunEvent](b, streamRunEvents, toldSubject(jobID, flowJobID, channel))
}

// PutTold records that a notice of the end of a run was delivered.
func (b *Bus) PutTold(ctx context.Context, ev events.RunEvent) error {
	_, err := b.commit(ctx, streamRunEvents, message{
		Subject: toldSubject(ev.JobID, ev.FlowJobID, ev.Channel), Data: body(ev),
		Header: events.CloudEvent("spool.run.told", ev.FlowJobID+".told."+string(ev.Channel), "notify", ev.TriggerID, ev.At),
	})
	return err
}

// PutUndelivered records that a notice of the end of a run was given up. The second record of
// one channel is nothing new, and no error.
func (b *Bus) PutUndelivered(ctx context.Context, ev events.RunEvent) error {
	return b.putUndelivered(ctx, ev, 0, "")
}

// PutUndeliveredAgain is PutUndelivered for a notice that somebody asked for again at a time.
func (b *Bus) PutUndeliveredAgain(ctx context.Context, ev events.RunEvent, asked time.Time) error {
	m, found, err := b.RunUndelivered(ev.JobID, ev.FlowJobID, ev.Channel).Last(ctx)
	if err != nil {
		return err
	}
	if former, err := m.Value(); found && err == nil && !former.At.Before(asked) {
		return nil
	}
	return b.putUndelivered(ctx, ev, m.Sequence, "."+strconv.FormatInt(asked.UnixNano(), 10))
}

func (b *Bus) putUndelivered(ctx context.Context, ev events.RunEvent, expect uint64, which string) error {
	_, err := b.commit(ctx, streamRunEvents, message{
		Subject: undeliveredSubject(ev.JobID, ev.FlowJobID, ev.Channel), Data: body(ev), Expect: &expect,
		Header: events.CloudEvent("spool.run.undelivered", ev.FlowJobID+".undelivered."+string(ev.Channel)+which, "notify", ev.TriggerID, ev.At),
	})
	if IsConflict(err) {
		return nil
	}
	return err
}

// NoticesAgain are the notices that somebody has sent again by a channel.
func (b *Bus) NoticesAgain(channel events.Channel) View[events.NoticeAgain] {
	return view[events.NoticeAgain](b, streamNotifications, noticeAgainPrefix+".*.*."+string(channel))
}

// NoticeAgain is that somebody has the notice of one run sent again by a channel.
func (b *Bus) NoticeAgain(jobID, flowJobID string, channel events.Channel) View[events.NoticeAgain] {
	return view[events.NoticeAgain](b, streamNotifications, noticeAgainSubject(jobID, flowJobID, channel))
}

// PutNoticeAgain has the notice of a run sent again.
func (b *Bus) PutNoticeAgain(ctx context.Context, n events.NoticeAgain) error {
	_, err := b.commit(ctx, streamNotifications, message{
		Subject: noticeAgainSubject(n.JobID, n.FlowJobID, n.Channel), Data: body(n),
		Header: map[string]string{ttlHeader: undeliverableFor.String()},
	})
	return err
}

// NoticeAgain reads the request that a delivery of NOTIFICATIONS carries.
func (d *Delivery) NoticeAgain() (events.NoticeAgain, error) {
	return decode[events.NoticeAgain](d.Stored)
}
