package ui

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"spool.internal/events/system"
	"spool.internal/gateway/v2"
)

func (u *UI) systemPages() []page {
	return []page{{path: "/system", template: "system", title: "System", nav: "System", view: u.viewSystem}}
}

// systemPage is how the parts of Spool are.
type systemPage struct {
	v2.System
	Counts []systemCount
	Only   string // the state that is shown alone
	Text   string // all of it, to be copied
	None   *emptyList
}

type systemCount struct {
	State system.State
	Count int
	On    bool
}

func (u *UI) viewSystem(c *call) (any, error) {
	only := c.query.Get("state")
	v, err := u.api.GetSystem(c.Context(), c.who, nil)
	if err != nil {
		return nil, err
	}
	p := systemPage{Only: only, Text: systemText(v)}
	counts := map[system.State]int{}
	for _, l := range v.Parts {
		counts[l.State]++
	}
	for i := len(system.States) - 1; i >= 0; i-- {
		if s := system.States[i]; counts[s] > 0 {
			p.Counts = append(p.Counts, systemCount{s, counts[s], only == string(s)})
		}
	}
	all := v.Parts
	v.Parts = nil
	for _, l := range all {
		if only == "" || strings.Contains(","+only+",", ","+string(l.State)+",") {
			v.Parts = append(v.Parts, l)
		}
	}
	if p.System = v; len(v.Parts) == 0 {
		p.None = noMatch(len(all), "parts", "/system")
	}
	return p, nil
}

// Mark is that of the state of a part.
func (systemPage) Mark(s system.State) string {
	switch s {
	case system.Away:
		return "absent"
	case system.Unknown:
		return "none"
	default:
		return string(s)
	}
}

// systemText is the page for a report. Lines hold no secrets; see package system.
func systemText(v v2.System) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s, version %s, at %s\n", cmp.Or(v.Name, "Spool"), v.State, v.Version, v.Time.Format(time.RFC3339))
	for _, l := range v.Parts {
		fmt.Fprintf(&b, "%-8s %s", l.State, l.Name)
		for _, more := range []string{l.Host, l.Instance, l.Version} {
			if more != "" {
				b.WriteString(" " + more)
			}
		}
		if !l.Since.IsZero() {
			b.WriteString(" since " + l.Since.UTC().Format(time.RFC3339))
		}
		for _, more := range []string{l.Means, l.Detail, l.Todo} {
			if more != "" {
				b.WriteString("\n         " + more)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
