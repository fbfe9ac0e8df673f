package drive

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// ErrKept says that something is Spool's own, wherever it was found.
var ErrKept = errors.New("it belongs to the data folder, or lies among Spool's secrets")

// Folders of the data folder that drives may lie in.
const (
	drivesDir = "drives" // those without a mapping
	demoDir   = "demo"   // is one itself
)

// guard keeps drives out of the data folder and out of each other. It compares
// what is open, not names: links, mounts and second names make no difference,
// nor does when they came.
type guard struct {
	base    string
	maps    []mapping
	data    string   // "" = there is none to keep
	secrets []string // files elsewhere

	mu     sync.Mutex
	known  map[string]ident // of the drives that were opened, by host folder
	judged map[ident]verdict

	owned   map[ident]bool // folders that are no place for drives
	ownedAt time.Time
}

// lineage is a folder and those above it, from the inside out.
type lineage []ident

// verdict is what was found about the root of a drive.
type verdict struct {
	at  time.Time
	err error
}

const (
	verdictHolds = time.Second // what is moved or mounted is found by then
	maxKnown     = 10_000      // drives that are remembered
)

func newGuard(base string, maps []mapping) *guard {
	return &guard{base: base, maps: maps, known: map[string]ident{}, judged: map[ident]verdict{}}
}

// admit refuses the open root of the drive that lies at dir.
func (g *guard) admit(root *os.Root, dir string) error {
	info, err := root.Stat(".")
	if err != nil {
		return err
	}
	id, ok := identify(info)
	if !ok {
		return nil
	}
	g.mu.Lock()
	v, ok := g.judged[id]
	g.mu.Unlock()
	if ok && time.Since(v.at) < verdictHolds {
		return v.err
	}
	err = g.judge(root, dir) // not under the lock: what is asked may hang
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.judged) >= maxKnown || len(g.known) >= maxKnown {
		clear(g.judged)
		clear(g.known)
	}
	g.judged[id] = verdict{time.Now(), err}
	return err
}

// judge looks where a root lies.
func (g *guard) judge(root *os.Root, dir string) error {
	line := lineageOf(root)
	if len(line) == 0 {
		return nil
	}
	if err := g.dataNow().beside(line, dir); err != nil {
		return err
	}
	if base, ok := lookAt(g.base); ok {
		switch n := line.depthIn(base[0]); {
		case n > driveDepth:
			return refuse(dir, "lies inside one of the drives in %s", g.base)
		case n >= 0 && n < driveDepth, base.depthIn(line[0]) >= 0:
			return refuse(dir, "holds other drives, those in %s", g.base)
		}
	}
	for other, id := range g.around(line, dir) {
		if still(other, id) {
			return refuse(dir, "lies inside another drive (%s)", other)
		}
	}
	return nil
}

// around gives the drives that a folder lies in, and remembers where it lies.
func (g *guard) around(line lineage, dir string) map[string]ident {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := map[string]ident{}
	for other, id := range g.known {
		if line.depthIn(id) > 0 {
			all[other] = id
		}
	}
	g.known[dir] = line[0]
	return all
}

// driveDepth is how deep a drive lies below the folder of all drives.
const driveDepth = 4

// dataFolder is where the data folder lies, and what is in it.
type dataFolder struct {
	path   string
	line   lineage // empty: there is none
	inside map[string]ident
}

func (g *guard) dataNow() (d dataFolder) {
	if line, ok := lookAt(g.data); g.data != "" && ok {
		d = dataFolder{g.data, line, g.kept()}
	}
	return d
}

// beside refuses a root that contains the data folder, or lies in it
// anywhere but where drives may.
func (d dataFolder) beside(line lineage, dir string) error {
	if len(d.line) == 0 {
		return nil
	}
	if d.line.depthIn(line[0]) >= 0 {
		return refuse(dir, "is or contains the data folder %s", d.path)
	}
	for name, id := range d.inside {
		if line[0] == id && name != demoDir && name != drivesDir {
			return refuse(dir, "is a part of the data folder %s", d.path)
		}
	}
	n := line.depthIn(d.line[0])
	if n < 0 {
		return nil
	}
	if drives, ok := d.inside[drivesDir]; ok && line[n-1] == drives {
		return nil
	}
	if demo, ok := d.inside[demoDir]; ok && n == 1 && line[0] == demo {
		return nil
	}
	return refuse(dir, "lies in the data folder %s", d.path)
}

func refuse(dir, format string, args ...any) error {
	return fmt.Errorf("%w: %s %s: give it a folder of its own", ErrKept, dir, fmt.Sprintf(format, args...))
}

// depthIn tells how deep a folder lies in another; -1 = it does not.
func (l lineage) depthIn(other ident) int {
	for n, id := range l {
		if id == other {
			return n
		}
	}
	return -1
}

// lookAt gives the lineage of a folder at a path.
func lookAt(dir string) (lineage, bool) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, false
	}
	defer root.Close()
	line := lineageOf(root)
	return line, len(line) > 0
}

func still(dir string, id ident) bool {
	info, err := os.Stat(dir)
	if err != nil {
		return false
	}
	is, ok := identify(info)
	return ok && is == id
}
