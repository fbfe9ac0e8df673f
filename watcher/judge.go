package watcher

import (
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/location"
	"spool.internal/watcher/stage"
)

// runFolder is the shape of a folder that a run has for itself, as a pattern.
const runFolder = "????????-??????-????????-????-????-????-????????????"

// provenance is what is known of who writes into a folder.
type provenance struct {
	at    location.Location
	own   []string // the chain of the files, when the folder is, or lies in, one that a run had for itself
	known bool     // at is known
}

// origin is which runs led to a file.
type origin struct {
	chain []string
	sure  bool // they wrote into the folder of the job, and not somewhere above it
	own   bool // into a folder of their own
}

// judge decides which files of a folder are held, because runs of their own job or too many runs led to them.
type judge struct {
	w     *Watcher
	f     *folder
	at    *stage.Folder // f, opened
	rings rings
}

// judge holds those files that came out of runs which the job itself began, and those that too many runs led to. The
// others are returned.
func (t *turn) judge(ctx context.Context, fresh []*candidate) (free []*candidate, err error) {
	if len(fresh) == 0 {
		return nil, nil
	}
	j := &judge{w: t.w, f: t.f, at: t.at, rings: rings{w: t.w, jobs: map[string]*events.Job{}}}
	p, err := j.provenance(ctx)
	if err != nil {
		return nil, err
	}
	var held []events.Held
	var kept []*candidate
	for _, c := range fresh {
		c.chain = nil
		why, err := j.against(ctx, p, c)
		switch {
		case err != nil:
			return nil, err
		case why == nil:
			free = append(free, c)
		default:
			held, kept = append(held, *why), append(kept, c)
		}
	}
	if len(held) == 0 {
		return free, nil
	}
	if t.guessed {
		return nil, errGuessed
	}
	t.f.activity.Pause()
	if err := t.w.cfg.Bus.HoldFiles(ctx, held); err != nil {
		return nil, err
	}
	for i, h := range held {
		t.k.keep(kept[i])
		t.w.holding(ctx, h)
		t.f.log().Warn("a file is held: "+h.Reason(), "file", h.Path, "remedy", "cut the ring, or add to watch.ignore", "ignore", h.Ignore)
	}
	return free, nil
}

// provenance finds out who writes into the folder, once for each directory.
func (j *judge) provenance(ctx context.Context) (*provenance, error) {
	if p := j.f.work.provenance; p != nil {
		return p, nil
	}
	p := &provenance{}
	at, err := location.OfFile(j.at.Dir, j.f.host)
	if err != nil {
		j.f.work.provenance = p // what cannot be known holds up no file
		return p, nil
	}
	p.at, p.known = at, true
	for q := at; q.Depth() > 0; q = q.Up(1) {
		id := runIn(q.Name())
		if id == "" {
			continue
		}
		run, found, err := j.w.cfg.Bus.FirstRunEvent(ctx, id)
		if err != nil {
			return nil, err
		}
		if found && j.wrote(run, q) {
			p.own = events.Next(run.Chain, run.JobID)
			break
		}
	}
	j.f.work.provenance = p
	return p, nil
}

// runIn finds the id of the run in the name of a folder.
func runIn(name string) string {
	if ok, err := path.Match(runFolder, name); !ok || err != nil {
		return ""
	}
	id := name[len(name)-36:]
	if !events.IsToken(id) {
		return ""
	}
	return id
}

// wrote reports whether a place is the output folder of a run. A folder that was moved or copied there is not.
func (j *judge) wrote(run events.RunEvent, at location.Location) bool {
	out, err := events.ParsePath("output_folder", run.OutputFolder)
	if err != nil {
		return false
	}
	j.f.activity.Touch()
	real, err := location.Of(j.w.cfg.Drives.HostPath(out))
	return err == nil && real.Is(at)
}

// origins returns which runs may have written a file in the folder.
func (j *judge) origins(p *provenance, c *candidate) []origin {
	if p.own != nil {
		return []origin{{p.own, true, true}}
	}
	if !p.known {
		return nil
	}
	deep, slack := 0, spanSlack
	if j.f.work.rule.Remote {
		slack = farSlack
	}
	if j.f.below != "" {
		deep = strings.Count(j.f.below, "/") + 1
	}
	var all []origin
	for _, s := range j.w.shared.of(p.at, time.Unix(0, c.stat.Changed), slack) {
		all = append(all, origin{s.chain, p.at.Depth()-s.at.Depth() <= deep, false})
	}
	return all
}

// against says why a file is not to be run; nil lets it go on, with its chain.
func (j *judge) against(ctx context.Context, p *provenance, c *candidate) (*events.Held, error) {
	if j.f.initial(c) {
		return nil, nil
	}
	id := j.f.jobID
	for _, o := range j.origins(p, c) {
		if len(o.chain) > len(c.chain) {
			c.chain = o.chain
		}
		ring, deep := o.sure && slices.Contains(o.chain, id), len(o.chain) >= j.w.cfg.MaxDepth
		if ring && !deep {
			j.f.activity.Touch()
			var err error
			if ring, err = j.rings.closed(ctx, o.chain, id); err != nil {
				return nil, err
			}
		}
		if !ring && !deep {
			continue
		}
		file := events.NewFile(j.f.subPath(c.name))
		held := events.Held{
			JobID: id, Path: file.Path, PathB64: file.PathB64, Fingerprint: c.fingerprint,
			Size: c.stat.Size, ModifiedNS: c.stat.Modified, Chain: o.chain, Deep: !ring, Ignore: ignoreLine(o, c.name), At: time.Now().UTC(), Place: j.f.task.place,
		}
		if asked, err := j.askedFor(ctx, held); asked || err != nil {
			c.chain = nil // as if that person had put it there
			return nil, err
		}
		var err error
		held.Ring, err = j.rings.names(ctx, held)
		return &held, err
	}
	return nil, nil
}

// askedFor reports whether somebody has asked to run a file that was held, and has not changed since.
func (j *judge) askedFor(ctx context.Context, h events.Held) (bool, error) {
	if j.f.work.generations[h.RawPath()] == "" {
		return false, nil
	}
	before, err := j.w.cfg.Bus.HeldOnPath(ctx, h.JobID, h.RawPath())
	for _, b := range before {
		if b.Fingerprint != h.Fingerprint && b.Size == h.Size && b.ModifiedNS == h.ModifiedNS {
			j.w.held.put(b)
			return true, nil
		}
	}
	return false, err
}

// ignoreLine is the pattern of watch.ignore that leaves such files alone.
func ignoreLine(o origin, name string) string {
	if o.own {
		return runFolder
	}
	if ext := path.Ext(name); ext != "" && ext != name {
		return "*" + events.EscapePattern(ext)
	}
	return events.EscapePattern(name)
}
