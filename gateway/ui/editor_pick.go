package ui

import (
	"net/url"
	"path"
	"strings"

	"spool.internal/gateway/v2"
)

// picking is a look into a folder, to choose a path for a field.
type picking struct {
	Field, Label string
	File         bool // a file is chosen, and not a folder
	v2.FolderView
	Fault string
}

// pick looks where a field says, for step "FIELD", or elsewhere, for "FIELD=PATH".
func (u *UI) pick(c *call, values url.Values, step string) *picking {
	name, at, elsewhere := strings.Cut(step, "=")
	p := &picking{Field: name, Label: labelOf(name), File: name == "flow_parameters.binary_path"}
	if !elsewhere {
		if at = values.Get(name); p.File && at != "" {
			at = path.Dir(at)
		}
	}
	var err error
	if p.FolderView, err = u.api.LookInto(c.Context(), c.who, at); err != nil && !elsewhere {
		p.FolderView, err = u.api.LookInto(c.Context(), c.who, "") // what is typed there is no folder
	}
	if all, ok := formFaults(err); err != nil {
		p.Fault = "This folder cannot be looked at."
		if ok && len(all) > 0 {
			p.Fault = all[0].Text
		}
	}
	return p
}

// Shown are the entries that can be chosen or entered.
func (p *picking) Shown() []v2.FolderEntry {
	var all []v2.FolderEntry
	for _, e := range p.Entries {
		if e.Folder || p.File {
			all = append(all, e)
		}
	}
	return all
}

// Here reports whether the folder that is looked at can be chosen: the root of a drive cannot.
func (p *picking) Here() bool { return !p.File && p.Above != "" }
