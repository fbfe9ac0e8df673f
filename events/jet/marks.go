package jet

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events"
)

// Format is the newest form of what is stored that this program writes and reads. It is raised
// when a message gets a form that an older program would misread.
const Format = 1

// The metadata of the bucket of tokens in which the store says something of itself: every role may
// ask for the state of that stream, and whoever changes its settings begins with those it has.
const (
	formatKey    = "spool_format"
	heldKey      = "spool_held"
	restoringKey = "spool_restoring"
)

// Marks are what a store says of itself.
type Marks struct {
	Format    int    // the newest form that may be written to it; a store that says nothing is of 1
	Held      string // why nothing may be fired, dispatched or run; empty = it may
	Restoring bool   // a restore fills it, or was cut off: nothing begins to work on it
}

// Marks reads what the store says of itself. A store without streams says nothing.
func (b *Bus) Marks(ctx context.Context) (Marks, error) {
	m, err := ReadMarks(ctx, b.js)
	if err != nil {
		return m, b.fault(streamTokens, err)
	}
	b.form.Store(int32(min(m.Format, Format)))
	return m, nil
}

// ReadMarks reads what a store says of itself.
func ReadMarks(ctx context.Context, js jetstream.JetStream) (Marks, error) {
	s, err := js.Stream(ctx, streamTokens)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return Marks{Format: 1}, nil
	}
	if err != nil {
		return Marks{}, fmt.Errorf("stream %s: %w", streamTokens, err)
	}
	return MarksIn(s.CachedInfo().Config.Metadata)
}

// MarksIn reads them out of the metadata of the bucket of tokens.
func MarksIn(metadata map[string]string) (m Marks, err error) {
	m = Marks{Format: 1, Held: metadata[heldKey], Restoring: metadata[restoringKey] != ""}
	if text := metadata[formatKey]; text != "" {
		if m.Format, err = strconv.Atoi(text); err != nil || m.Format < 1 {
			return m, fmt.Errorf("the store says that its format is %q, which is no format", text)
		}
	}
	return m, nil
}

// Put writes them into the metadata of the bucket of tokens.
func (m Marks) Put(metadata map[string]string) {
	delete(metadata, formatKey)
	delete(metadata, heldKey)
	delete(metadata, restoringKey)
	if m.Format > 1 {
		metadata[formatKey] = strconv.Itoa(m.Format)
	}
	if m.Held != "" {
		metadata[heldKey] = m.Held
	}
	if m.Restoring {
		metadata[restoringKey] = "yes"
	}
}

// WriteMarks changes what a store says of itself. Only who may change streams can.
func WriteMarks(ctx context.Context, js jetstream.JetStream, change func(*Marks)) error {
	s, err := js.Stream(ctx, streamTokens)
	if err != nil {
		return fmt.Errorf("stream %s: %w", streamTokens, err)
	}
	cfg := s.CachedInfo().Config
	m, err := MarksIn(cfg.Metadata)
	if err != nil {
		return err
	}
	change(&m)
	if cfg.Metadata == nil {
		cfg.Metadata = map[string]string{}
	}
	m.Put(cfg.Metadata)
	if _, err := js.UpdateStream(ctx, cfg); err != nil {
		return fmt.Errorf("stream %s: %w", streamTokens, err)
	}
	return nil
}

// Newer is the error for a store, or a message, of a form that this program does not know.
type Newer struct {
	What   string
	Format int
}

func (n *Newer) Error() string {
	return fmt.Sprintf("%s is of format %d, and this Spool knows formats up to %d: it is left as it is; start a newer Spool", n.What, n.Format, Format)
}

// Unwrap has it answered as what cannot be done now: a newer program can.
func (n *Newer) Unwrap() error { return &events.Error{Code: events.Unavailable, Message: n.Error()} }

// newer keeps an error that says that a message is of a newer form, and drops any other: what cannot be
// read for another reason is passed over by whoever reads so.
func newer(err error) error {
	if n, ok := errors.AsType[*Newer](err); ok {
		return n
	}
	return nil
}

// knows refuses a store of a newer form, before anything in it is changed.
func (b *Bus) knows(ctx context.Context) error {
	m, err := b.Marks(ctx)
	if err == nil && m.Format > Format {
		err = &Newer{"the store", m.Format}
	}
	return err
}

// newerAgain is how soon a message of a newer form is offered again.
const newerAgain = 30 * time.Second

// formHeader is the form of a message; one without it is of form 1.
const formHeader = "Spool-Form"

// stamp says of what form a message is. None is newer than the store allows.
func (b *Bus) stamp(header map[string]string) map[string]string {
	form := b.form.Load()
	if form <= 1 || header[formHeader] != "" {
		return header
	}
	if header == nil {
		header = map[string]string{}
	}
	header[formHeader] = strconv.Itoa(int(form))
	return header
}

// copied are the headers of a message whose body is stored again as it is: it keeps its form.
func (m Stored) copied() map[string]string {
	form := m.header.Get(formHeader)
	if form == "" {
		form = "1"
	}
	return map[string]string{formHeader: form}
}

// known refuses a message of a newer form.
func known(m Stored) error {
	if len(m.header) == 0 {
		return nil
	}
	text := m.header.Get(formHeader)
	if text == "" {
		return nil
	}
	form, err := strconv.Atoi(text)
	if err != nil || form <= Format {
		return nil
	}
	return &Newer{fmt.Sprintf("message %d on %s", m.Sequence, m.Subject), form}
}
