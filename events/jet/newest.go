package jet

import (
	"context"
)

// newest calls f with the messages of some subjects of a stream, newest first,
// until f answers false. before is a sequence: only older messages are told; 0
// means all. A subject is one subject, not a filter. It reads one message at a
// time: its memory does not grow with what the stream holds.
func (b *Bus) newest(ctx context.Context, stream string, subjects []string, before uint64, f func(Stored) bool) error {
	// No message of a subject that has not been told is newer than its head.
	heads := map[string]uint64{}
	if len(subjects) > 1 {
		err := b.lastUpTo(ctx, stream, subjects, before, func(m Stored) { heads[m.Subject] = m.Sequence })
		if err != nil {
			return err
		}
	} else {
		for _, s := range subjects {
			heads[s] = before - 1 // "before" 0 wraps to the highest of all
		}
	}
	for len(heads) > 0 {
		var subject string
		var top uint64
		for s, seq := range heads {
			if seq >= top {
				subject, top = s, seq
			}
		}
		var m Stored
		delete(heads, subject)
		err := b.lastUpTo(ctx, stream, []string{subject}, top+1, func(s Stored) { m = s })
		if err != nil {
			return err
		}
		if m.Sequence == 0 {
			continue
		}
		if m.Sequence < top && len(heads) > 0 {
			heads[subject] = m.Sequence // another subject's may be newer
			continue
		}
		if !f(m) {
			return nil
		}
		heads[subject] = m.Sequence - 1
	}
	return nil
}

// lastOf calls f with the last message of each subject that has one, in no order.
func (b *Bus) lastOf(ctx context.Context, stream string, subjects []string, f func(Stored)) error {
	return b.lastUpTo(ctx, stream, subjects, 0, f)
}

func (b *Bus) lastUpTo(ctx context.Context, stream string, subjects []string, before uint64, f func(Stored)) error {
	request := map[string]any{}
	switch before {
	case 0:
	case 1:
		return nil // nothing is older than the first
	default:
		request["up_to_seq"] = before - 1
	}
	for start := 0; start < len(subjects); start += maxMulti {
		request["multi_last"] = subjects[start:min(start+maxMulti, len(subjects))]
		if err := b.direct(ctx, stream, request, func(m Stored) bool { f(m); return true }); err != nil {
			return err
		}
	}
	return nil
}
