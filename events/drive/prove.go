package drive

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/atomicfile"
)

// IDFile is the file below [events.StageRoot] that tells the folder of a shared drive from any other.
const IDFile = "drive.id"

// Proofs keep which folder a shared drive is. A jet.Bus does.
type Proofs interface {
	SharedDrive(ctx context.Context, name string) (d events.SharedDrive, found bool, err error)
	// ClaimSharedDrive records an id, once, and gives the one that is recorded.
	ClaimSharedDrive(ctx context.Context, d events.SharedDrive) (events.SharedDrive, error)
}

// How long an id is looked for that others have written, which a network file system may show late,
// and how long a folder may take to answer.
var (
	idShows    = 5 * time.Second
	idPatience = 20 * time.Second
)

// proofs are the ids of the shared drives that were proven to be the same as elsewhere.
type proofs struct {
	mu  sync.Mutex
	ids map[events.Path]string
}

func (p *proofs) of(drive events.Path) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ids[drive]
}

func (p *proofs) put(drive events.Path, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ids[drive] = id
}

// Prove makes sure that each shared drive is the folder that the others have under its name: the
// first of them writes an id into it, the others find that. It is to be called before anything is read
// from the drives.
func (d *Drives) Prove(ctx context.Context, known Proofs) error {
	var faults []error
	for _, m := range d.maps {
		if !m.shared {
			continue
		}
		proven := make(chan error, 1)
		go func() { proven <- d.prove(ctx, known, m) }() // ends when the file system answers
		select {
		case err := <-proven:
			faults = append(faults, err)
		case <-time.After(idPatience):
			faults = append(faults, fault(m, "does not answer: see whether it is mounted, and its server there"))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return errors.Join(faults...)
}

func fault(m mapping, format string, args ...any) error {
	return events.Faultf(events.Invalid, "shared-drive", "%s=%s %s", m.prefix, m.dir, fmt.Sprintf(format, args...))
}

func (d *Drives) prove(ctx context.Context, known Proofs, m mapping) error {
	rec, recorded, err := known.SharedDrive(ctx, m.prefix.String())
	if err != nil {
		return err
	}
	id, err := d.readID(m)
	for begun := time.Now(); recorded && errors.Is(err, fs.ErrNotExist) && time.Since(begun) < idShows && ctx.Err() == nil; {
		time.Sleep(100 * time.Millisecond)
		id, err = d.readID(m)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && recorded:
		return fault(m, "is not the folder that %s has under this name: that one has the file %s/%s. Mount the same folder; or, if this one takes its place for all machines, write %s into that file",
			firstOf(rec), events.StageRoot, IDFile, rec.ID)
	case errors.Is(err, fs.ErrNotExist):
		if id, err = d.makeID(m); err != nil {
			return err
		}
	case err != nil:
		return fault(m, "cannot be told from other folders: %s/%s: %s", events.StageRoot, IDFile, Reason(err))
	}
	if !recorded {
		rec, err = known.ClaimSharedDrive(ctx, events.SharedDrive{Name: m.prefix.String(), ID: id, Place: d.place, At: time.Now().UTC()})
		if err != nil {
			return err
		}
	}
	if rec.ID != id {
		return fault(m, "is not the folder that %s has under this name: its %s/%s says %s, and not %s. Mount the same folder, or declare it with --drive under another name",
			firstOf(rec), events.StageRoot, IDFile, id, rec.ID)
	}
	d.proofs.put(m.prefix, id)
	return nil
}

func firstOf(rec events.SharedDrive) string {
	if rec.Place == "" {
		return "another machine"
	}
	return rec.Place
}

// readID reads the id in a folder; the error is [fs.ErrNotExist] when there is none.
func (d *Drives) readID(m mapping) (string, error) {
	f, err := d.OpenFile(m.prefix.Join(events.StageRoot, IDFile))
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // was only read
	text, err := io.ReadAll(io.LimitReader(f, 100))
	if err != nil {
		return "", err
	}
	id := strings.TrimSpace(string(text))
	if uuid.Validate(id) != nil {
		return "", errors.New("holds no id: remove it, if the drive is new")
	}
	return id, nil
}

// makeID writes a new id, or gives the one that somebody else has written meanwhile.
func (d *Drives) makeID(m mapping) (string, error) {
	if info, err := os.Stat(m.dir); err != nil || !info.IsDir() {
		return "", fault(m, "is not there: make the folder, or mount it")
	}
	id := uuid.NewString()
	err := d.writeID(m, id)
	switch {
	case errors.Is(err, fs.ErrExist):
		return d.readID(m)
	case err != nil:
		return "", fault(m, "is new, and no id can be written into it (%s): start a machine first that may write there", Reason(err))
	}
	return id, nil
}

// writeID gives the whole file its name in one step, so that nobody reads a part of it.
func (d *Drives) writeID(m mapping, id string) error {
	root, err := d.Create(m.prefix.Join(events.StageRoot))
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // the file was synced
	return atomicfile.CreateIn(root, "."+IDFile+"-"+rand.Text(), IDFile, []byte(id+"\n"), 0o644)
}
