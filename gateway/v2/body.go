package v2

import (
	"net/http"
	"slices"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// readObject reads the parameters of a job, or a patch of them.
func readObject(r *http.Request) (events.Object, error) {
	body, err := wire.Body(r)
	if err != nil {
		return nil, err
	}
	return events.ParseObject(body)
}

// checkParameterKeys refuses keys that mean nothing, unless they are null: then
// they are to be taken out, or count as absent.
func checkParameterKeys(o events.Object, object string) error {
	for _, m := range o {
		if m.Value[0] == 'n' {
			continue
		}
		if !slices.Contains(events.Keys[object], m.Key) {
			return wire.UnknownKey(object, m.Key, change.Meant(object, m.Key))
		}
		inner := object + m.Key + "."
		if _, ours := events.Keys[inner]; !ours || m.Value[0] != '{' {
			continue
		}
		if err := checkParameterKeys(o.Inner(m.Key), inner); err != nil {
			return err
		}
	}
	return nil
}
