package v2

import (
	"context"
	"slices"

	"spool.internal/events"
)

// here reports whether the drive of a path is that of this machine, or of all.
func (a *API) here(p events.Path) bool {
	if a.Drives == nil {
		return true
	}
	here, _ := a.Drives.Serves(p)
	return here
}

// ranHere reports whether what a run has written can lie on this machine: on another one a drive of that
// name is another one.
func (a *API) ranHere(ev events.RunEvent, out events.Path) bool {
	here, shared := a.Drives.Serves(out)
	return here && (shared || ev.Place == "" || a.Drives.Place() == "" || ev.Place == a.Drives.Place())
}

// where gives which machines serve which drives; none where that is not asked for, or cannot be read.
func (a *API) where(ctx context.Context) events.Places {
	if a.Places == nil {
		return events.Places{}
	}
	all, err := a.Places(ctx)
	if err != nil {
		a.Log.Debug("which machine serves which drive cannot be read", "error", err.Error())
	}
	return all
}

// Elsewhere warns of drives of a job that no machine serves, and of those that no one machine has.
func (a *API) Elsewhere(ctx context.Context, p *events.Parameters) (list []string) {
	all := a.where(ctx)
	if len(all.All) == 0 {
		return nil
	}
	paths := []struct {
		field string
		events.Path
	}{{"input_dir", p.InputDir}, {"binary_path", p.BinaryPath}, {"spool.run.cwd", p.Options.Run.Cwd}}
	var input events.Path
	for _, path := range paths {
		if path.Path == (events.Path{}) || path.Generated() {
			continue
		}
		if there, away := all.Serving("runner", path.Path); len(there) == 0 && len(away) > 0 {
			list = append(list, path.field+": "+all.Nobody(path.Path, away)+"; its runs wait")
		}
		if input == (events.Path{}) {
			input = path.Path
		} else if apart := all.Apart(input, path.Path); apart != "" {
			list = append(list, path.field+": "+apart)
		}
	}
	return list
}

// addPlaces says of drives which machines serve them, and calls add with those that others serve alone.
func (a *API) addPlaces(ctx context.Context, all []Drive, add func(events.Path, Drive)) {
	places := a.where(ctx)
	if len(places.All) == 0 {
		return
	}
	known := map[string]bool{}
	for i := range all {
		d := &all[i]
		known[d.Path] = true
		p, err := events.ParsePath("", d.Path)
		if err != nil {
			continue
		}
		there, away := places.Reached(p)
		d.Places, d.Shared = names(there), sharedBy(append(there, away...), p)
		if !a.here(p) {
			d.host, d.From = "", fromPlace
			if len(there) == 0 && len(away) > 0 {
				d.Problem = places.Nobody(p, away)
			}
		}
	}
	for _, is := range places.All {
		for _, served := range is.Drives("gateway") {
			p, err := events.ParsePath("", served.Name)
			if err != nil || known[p.String()] {
				continue
			}
			known[p.String()] = true
			there, away := places.Reached(p)
			d := Drive{From: fromPlace, Places: names(there), Shared: served.Shared}
			if len(there) == 0 {
				d.Problem = places.Nobody(p, away)
			}
			add(p, d)
		}
	}
}

func sharedBy(all []events.Place, p events.Path) bool {
	return slices.ContainsFunc(all, func(is events.Place) bool { return is.Shares(p) })
}

func names(all []events.Place) (list []string) {
	for _, is := range all {
		list = append(list, is.Name)
	}
	return list
}
