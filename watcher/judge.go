package watcher

import (
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/location"
)

// runFolder is the shape of a folder that a run has for itself, as a pattern.
const runFolder = "????????-??????-????????-????-????-????-????????????"

// home is what is known of who writes into a folder.
type home struct {
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

// home finds out who writes into the folder, once for each directory.
func (t *turn) home(ctx context.Context) (*home, error) {
	f := t.f
	if f.home != nil {
		return f.home, nil
	}
	h := &home{}
	at, err := location.OfFile(t.at.Dir, f.host)
	if err != nil {
		f.home = h // what cannot be known holds nobody up
		return h, nil
	}
	h.at, h.known = at, true
	for q := at; q.Depth() > 0; q = q.Up(1) {
		id := runIn(q.Name())
		if id == "" {
			continue
		}
		run, found, err := t.cfg.Bus.FirstRunEvent(ctx, id)
		if err != nil {
			return nil, err
		}
		if found && t.wrote(run, q) {
			h.own = events.Next(run.Chain, run.JobID)
			break
		}
	}
	f.home = h
	return h, nil
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

// wrote reports whether a place is the output folder of a run: one that was
// moved, or copied, there is not.
func (t *turn) wrote(run events.RunEvent, at location.Location) bool {
	out, err := events.ParsePath("output_folder", run.OutputFolder)
	if err != nil {
		return false
	}
	t.f.pulse.Touch()
	real, err := location.Of(t.cfg.Drives.HostPath(out))
	return err == nil && real.Is(at)
}

// origins tells which runs may have written a file in the folder.
func (t *turn) origins(h *home, c *candidate) []origin {
	if h.own != nil {
		return []origin{{h.own, true, true}}
	}
	if !h.known {
		return nil
	}
	deep, slack := 0, spanSlack
	if t.f.rule.Remote {
		slack = farSlack
	}
	if t.f.below != "" {
		deep = strings.Count(t.f.below, "/") + 1
	}
	var all []origin
	for _, s := range t.shared.of(h.at, time.Unix(0, c.stat.Changed), slack) {
		all = append(all, origin{s.chain, h.at.Depth()-s.at.Depth() <= deep, false})
	}
	return all
}

// judge holds back those files that came out of runs which the job itself
// began, and those that too many runs led to. The others go on.
func (t *turn) judge(ctx context.Context, fresh []*candidate) ([]*candidate, error) {
	if len(fresh) == 0 {
		return nil, nil
	}
	h, err := t.home(ctx)
	if err != nil {
		return nil, err
	}
	var on []*candidate
	var held []events.Held
	rings := rings{Watcher: t.Watcher, jobs: map[string]*events.Job{}}
	for _, c := range fresh {
		c.chain = nil
		why, err := t.against(ctx, &rings, h, c)
		switch {
		case err != nil:
			return nil, err
		case why == nil:
			on = append(on, c)
		default:
			held = append(held, *why)
		}
	}
	if len(held) == 0 {
		return on, nil
	}
	t.f.pulse.Pause()
	if err := t.cfg.Bus.HoldFiles(ctx, held); err != nil {
		return nil, err
	}
	for _, c := range fresh {
		if !slices.Contains(on, c) {
			t.f.keep(c)
		}
	}
	for _, h := range held {
		t.holding(ctx, h)
		t.f.log().Warn("a file is held: "+h.Reason(), "file", h.Path, "remedy", "cut the ring, or add to watch.ignore", "ignore", h.Ignore)
	}
	return on, nil
}

// against says why a file is not to be run; nil lets it go on, with its chain.
func (t *turn) against(ctx context.Context, r *rings, h *home, c *candidate) (*events.Held, error) {
	if t.f.initial(c) {
		return nil, nil
	}
	id := t.f.jobID
	for _, o := range t.origins(h, c) {
		if len(o.chain) > len(c.chain) {
			c.chain = o.chain
		}
		ring, deep := o.sure && slices.Contains(o.chain, id), len(o.chain) >= t.cfg.MaxDepth
		if ring && !deep {
			t.f.pulse.Touch()
			var err error
			if ring, err = r.closed(ctx, o.chain, id); err != nil {
				return nil, err
			}
		}
		if !ring && !deep {
			continue
		}
		file := events.NewFile(t.f.subPath(c.name))
		held := events.Held{
			JobID: id, Path: file.Path, PathB64: file.PathB64, Fingerprint: c.fingerprint,
			Size: c.stat.Size, ModifiedNS: c.stat.Modified, Chain: o.chain, Deep: !ring, Ignore: ignoreLine(o, c.name), At: time.Now().UTC(),
		}
		if asked, err := t.askedFor(ctx, held); asked || err != nil {
			c.chain = nil // as if that person had put it there
			return nil, err
		}
		var err error
		held.Ring, err = r.names(ctx, held)
		return &held, err
	}
	return nil, nil
}

// ignoreLine is the pattern that leaves such files alone.
func ignoreLine(o origin, name string) string {
	if o.own {
		return runFolder
	}
	if ext := path.Ext(name); ext != "" && ext != name {
		return "*" + events.EscapePattern(ext)
	}
	return events.EscapePattern(name)
}
