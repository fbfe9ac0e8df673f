package jobform

import (
	"net/url"

	"spool.internal/events"
)

// Duplicate are the values of a new job that is to be like another. Secrets, and what no
// two jobs can share, are left out: dropped names them.
func Duplicate(shown events.Object) (v url.Values, dropped []string) {
	o, short := copyOf(shown), isShort(shown)
	drop := func(name string, always bool) {
		if raw, given := get(o, place(short, name)); given && (always || hasMask(raw)) {
			o = set(o, place(short, name), nil)
			dropped = append(dropped, name)
		}
	}
	rows, _ := secretsOf(shown)
	drop("flow_parameters.auth_token", true)
	drop(SecretsField, true)
	for _, name := range []string{
		"flow_parameters.settings.webhook_config.url", "flow_parameters.settings.webhook_config.headers", "spool.notify.to.webhook", "spool.heartbeat",
	} {
		drop(name, false)
	}
	drop("spool.key", true)
	drop("spool.managed_by", true)
	v = Values(o)
	for _, r := range rows { // their names are kept, to be filled in
		r.Set = false
		v.Set(r.Key("name"), r.Name)
		v.Set(r.Key("as"), map[bool]string{true: "file", false: "variable"}[r.File])
	}
	v.Set("name", v.Get("name")+" copy")
	return v, dropped
}
