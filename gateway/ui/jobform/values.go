package jobform

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"

	"spool.internal/events"
)

// CommandField is where the command of a short job stands.
const CommandField = "spool.run.command"

// isShort reports whether shown parameters are in the short form.
func isShort(o events.Object) bool {
	_, ok := get(o, []string{"run", "command"})
	return ok
}

// IsShort reports whether shown parameters are those of a command.
func IsShort(o events.Object) bool { return isShort(o) }

// mode is [Clock] or [Files], as the API reads it.
func mode(o events.Object) string {
	spooled, _ := get(o, place(isShort(o), "flow_parameters.settings.spooled_mode"))
	_, scheduled := o.Get("schedule")
	if string(spooled) == "true" || isShort(o) && !scheduled {
		return Files
	}
	return Clock
}

// Values are what the fields show of the parameters of a job, as they are shown. Of
// secrets there are names alone.
func Values(o events.Object) url.Values {
	v := url.Values{Kind: {Flow}, When: {mode(o)}}
	short := isShort(o)
	if short {
		v.Set(Kind, Command)
	}
	rest := copyOf(o)
	for _, f := range fields {
		texts, covered := f.shown(o, short)
		v[f.Name] = texts
		if covered {
			rest = set(rest, place(short, f.Name), nil)
		}
	}
	rest = set(rest, place(short, "flow_parameters.settings.spooled_mode"), nil)
	if line, as, ok := showCommand(o); ok {
		v.Set(CommandField, line)
		v.Set(Argv, as)
		rest = set(rest, place(short, CommandField), nil)
	}
	if rows, ok := secretsOf(o); ok {
		rows.put(v)
		rest = set(rest, place(short, SecretsField), nil)
	}
	v.Set(Raw, pretty(said(rest)))
	return v
}

// Empty are the values of a job that is to be made.
func Empty() url.Values {
	v := Values(events.Object{})
	v.Set(Kind, Command)
	v.Set(When, Clock)
	v.Set(Argv, Line)
	return v
}

// shown gives the texts of a field, and whether all that is there is in them.
func (f Field) shown(o events.Object, short bool) (texts []string, covered bool) {
	raw, given := get(o, place(short, f.Name))
	if given {
		if texts, covered = f.show(raw); covered {
			return texts, true
		}
	}
	if f.otherwise == "" {
		return []string{""}, false
	}
	return strings.Split(f.otherwise, "\n"), false
}

// showCommand gives a command as a text area holds it.
func showCommand(o events.Object) (shown, as string, ok bool) {
	raw, given := get(o, place(true, CommandField))
	if !given {
		return "", Line, false
	}
	var line string
	if raw[0] == '"' && json.Unmarshal(raw, &line) == nil {
		return line, Line, line != "" && !strings.ContainsAny(line, "\r\x00")
	}
	var argv []string
	if json.Unmarshal(raw, &argv) != nil {
		return "", Line, false
	}
	shown = strings.Join(argv, "\n")
	return shown, List, len(argv) > 0 && strings.Count(shown, "\n") == len(argv)-1 && !strings.ContainsAny(shown, "\r\x00") && argv[len(argv)-1] != ""
}

// readCommand is the way back.
func readCommand(shown, as string) any {
	switch {
	case shown == "":
		return nil
	case as == List:
		return strings.Split(strings.TrimSuffix(shown, "\n"), "\n")
	default:
		return shown
	}
}

// said is an object without the objects in it that are empty.
func said(o events.Object) events.Object {
	out := events.Object{}
	for _, m := range o {
		if m.Value[0] != '{' {
			out = append(out, m)
		} else if inner := said(o.Inner(m.Key)); len(inner) > 0 {
			out = out.Set(m.Key, inner)
		}
	}
	return out
}

// pretty writes an object for people; an empty one as nothing.
func pretty(o events.Object) string {
	if len(o) == 0 {
		return ""
	}
	var out bytes.Buffer
	if json.Indent(&out, events.Encode(o), "", "  ") != nil {
		return ""
	}
	return out.String()
}
