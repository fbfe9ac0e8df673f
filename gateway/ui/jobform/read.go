package jobform

import (
	"net/url"
	"slices"
	"strings"

	"spool.internal/events"
)

func fault(field, format string, args ...any) error {
	return events.Faultf(events.Invalid, field, format, args...)
}

// Posted is what a browser has sent, with line breaks as Go has them.
func Posted(v url.Values) url.Values {
	out := url.Values{}
	for key, texts := range v {
		for _, s := range texts {
			out[key] = append(out[key], strings.ReplaceAll(s, "\r\n", "\n"))
		}
	}
	return out
}

// New gives the body of POST /api/v2/jobs that a form means.
func New(v url.Values) (events.Object, error) {
	short := v.Get(Kind) == Command
	o, err := apply(events.Object{}, Empty(), v, short)
	if err != nil {
		return nil, err
	}
	if v.Get(When) == Files && !short {
		o = set(o, place(short, "flow_parameters.settings.spooled_mode"), true)
	}
	if v.Get(Disabled) == "true" {
		o = o.Set("status", "DISABLED")
	}
	return o, nil
}

// Patch gives the body of PATCH /api/v2/jobs/{job_id} that a form means for a job whose
// parameters are shown so.
func Patch(shown events.Object, v url.Values) (events.Object, error) {
	to, err := Changed(shown, v)
	if err != nil {
		return nil, err
	}
	return Diff(shown, to), nil
}

// Changed gives the parameters that a form makes of those that are shown.
func Changed(shown events.Object, v url.Values) (events.Object, error) {
	short := isShort(shown)
	o, err := apply(copyOf(shown), Values(shown), v, short)
	if err != nil {
		return nil, err
	}
	when := v.Get(When)
	if when == mode(shown) || when == "" {
		return o, nil
	}
	for _, name := range excluded[when] {
		o = set(o, place(short, name), nil)
	}
	if when == Files && !short {
		o = set(o, place(short, "flow_parameters.settings.spooled_mode"), true)
	}
	return o, nil
}

// apply puts into o what of a form is not as it was shown.
func apply(o events.Object, shown, v url.Values, short bool) (events.Object, error) {
	kind, when := Flow, v.Get(When)
	if short {
		kind = Command
	}
	for _, f := range fields {
		if f.of != "" && f.of != kind && f.of != when || slices.Equal(texts(v[f.Name]), texts(shown[f.Name])) {
			continue
		}
		value, err := f.read(v[f.Name])
		if err != nil {
			return nil, fault(f.Name, "%s", err.Error())
		}
		o = set(o, place(short, f.Name), value)
	}
	if short && (v.Get(CommandField) != shown.Get(CommandField) || v.Get(Argv) != shown.Get(Argv)) {
		o = set(o, place(short, CommandField), readCommand(v.Get(CommandField), v.Get(Argv)))
	}
	if short {
		was, _ := get(o, place(short, SecretsField))
		secrets, err := readSecrets(parsed(was), v)
		if err != nil {
			return nil, err
		}
		o = set(o, place(short, SecretsField), secrets)
	}
	o = ungroup(o, shown, short)
	return applyRaw(o, shown.Get(Raw), v.Get(Raw), short)
}

// texts are those of a control; one that is not there, as an empty box, has none.
func texts(all []string) []string {
	if len(all) == 1 && all[0] == "" {
		return nil
	}
	return all
}

// ungroup takes away objects that say nothing without what is not there: of some, when it
// was there before; else the API says what is missing.
func ungroup(o events.Object, shown url.Values, short bool) events.Object {
	for _, g := range groups {
		there := func(name string) bool { _, ok := get(o, place(short, name)); return ok }
		had := slices.ContainsFunc(g.needs, func(k string) bool { return shown.Get(k) != "" })
		if (g.always || had) && there(g.object) && !slices.ContainsFunc(g.needs, there) {
			o = set(o, place(short, g.object), nil)
		}
	}
	return o
}

func parsed(raw []byte) events.Object {
	if len(raw) == 0 {
		return events.Object{}
	}
	o, err := events.ParseObject(raw)
	if err != nil {
		return events.Object{}
	}
	return o
}

// applyRaw puts into o what somebody has changed in the other parameters.
func applyRaw(o events.Object, was, is string, short bool) (events.Object, error) {
	if is = strings.TrimSpace(is); is == was {
		return o, nil
	}
	before, after := parsed([]byte(was)), events.Object{}
	if is != "" {
		var err error
		if after, err = events.ParseObject([]byte(is)); err != nil {
			return nil, fault(Raw, "%s", err.Error())
		}
	}
	patch := Diff(before, after)
	for _, f := range fields {
		path := place(short, f.Name)
		given, here := get(patch, path)
		if _, there := get(o, path); here && there && given[0] != 'n' {
			if _, had := get(before, path); !had {
				return nil, fault(Raw, "%s has a field of its own, which says something else: leave it out here", strings.Join(path, "."))
			}
		}
	}
	return o.Merge(patch), nil
}
