package events

import "slices"

// Shorten gives the parameters of a stored job as its short form has them: what
// [Complete] has generated is left out, and the rest stands where [Lengthen] takes it
// from. Made from the result, a job would be the same. The parameters of other jobs stay
// as they are. A token is left out, too: the runs of a command need none.
func Shorten(o Object, owner, jobID string) Object {
	if !IsShort(o) {
		return o
	}
	out := Object{}
	for _, m := range o {
		inner, err := innerObject(o, m.Key)
		switch {
		case err != nil:
		case m.Key == "spool":
			out = lift(out, inner, "spool")
			continue
		case m.Key == "flow_parameters":
			out = lift(out, plain(inner, o, owner, jobID), "flow_parameters")
			continue
		}
		out = append(out, m)
	}
	return out
}

// lift puts the keys of an object that the short form has at the top there, and the
// others behind them.
func lift(out, inner Object, object string) Object {
	for _, k := range shortKeys {
		if k.object != object {
			continue
		}
		if value, ok := inner.Get(k.as); ok {
			out, inner = out.Set(k.key, value), inner.Delete(k.as)
		}
	}
	if len(inner) > 0 {
		out = out.Set(object, inner)
	}
	return out
}

// plain is the flow of a short job without what is generated.
func plain(flow, parameters Object, owner, jobID string) Object {
	flow = append(Object{}, flow...).Delete("auth_token").Delete("binary_path")
	settings, err := innerObject(flow, "settings")
	if err != nil {
		return flow
	}
	if input, _ := stringValue(flow, "input_dir"); input == NoInput(owner).String() {
		flow = flow.Delete("input_dir")
		settings = withoutOutput(settings, owner, jobID)
	}
	if _, clock := parameters.Get("schedule"); !clock && flag(settings, "spooled_mode") {
		settings = settings.Delete("spooled_mode")
	}
	if len(settings) == 0 {
		return flow.Delete("settings")
	}
	return flow.Set("settings", settings)
}

func withoutOutput(settings Object, owner, jobID string) Object {
	if out, _ := stringValue(settings, "output_dir"); out == (Path{owner + outputDrive, jobID}).String() {
		return settings.Delete("output_dir")
	}
	return settings
}

// Regenerate takes out of the parameters of a short job, to which a patch was applied,
// what [Complete] had generated for what they were before: so that they become what they
// would be of a new job. before is what they were.
func Regenerate(o, before, patch Object, owner, jobID string) Object {
	flow, err := innerObject(o, "flow_parameters")
	if err != nil || !IsShort(o) {
		return o
	}
	settings, err := innerObject(flow, "settings")
	if err != nil {
		return o
	}
	had := len(flow) + len(settings)
	_, was := before.Get("schedule")
	_, clock := o.Get("schedule")
	if _, said := raw(patch.Inner("flow_parameters").Inner("settings"), "spooled_mode"); clock && !was && !said {
		settings = settings.Delete("spooled_mode") // it watched a folder
	}
	if input, _ := stringValue(flow, "input_dir"); input != NoInput(owner).String() {
		settings = withoutOutput(settings, owner, jobID)
	} else if !clock {
		flow, settings = flow.Delete("input_dir"), withoutOutput(settings, owner, jobID)
	}
	if had == len(flow)+len(settings) {
		return o // as it is spelled
	}
	return o.Set("flow_parameters", flow.Set("settings", settings))
}

// Unset gives a patch of a short job, which [Lengthen] has turned into long words, what
// null means in the words in which it was sent: in the short form "spool" and
// "flow_parameters" are without what stands at the top, so that stays.
func Unset(patch, sent, before Object) Object {
	if !IsShort(before) {
		return patch
	}
	for object, stay := range map[string][]string{"spool": nil, "flow_parameters": {"auth_token", "binary_path"}} {
		value, given := raw(sent, object)
		if !given || value[0] != 'n' {
			continue
		}
		for _, k := range shortKeys {
			if k.object == object {
				stay = append(stay, k.as)
			}
		}
		inner := patch.Inner(object)
		for _, m := range before.Inner(object) {
			if _, said := raw(inner, m.Key); !said && !slices.Contains(stay, m.Key) {
				inner = inner.Set(m.Key, nil)
			}
		}
		patch = append(Object{}, patch...).Set(object, inner)
	}
	return patch
}
