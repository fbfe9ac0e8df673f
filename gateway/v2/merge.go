package v2

import (
	"fmt"

	"spool.internal/events"
)

// merge applies a JSON merge patch (RFC 7396) to an object. What the patch does
// not name keeps its place and its spelling; what it adds comes at the end.
func merge(target, patch events.Object) (events.Object, error) {
	for _, m := range patch {
		switch m.Value[0] {
		case 'n':
			target = target.Delete(m.Key)
		case '{':
			below, err := events.ParseObject(m.Value)
			if err != nil {
				return nil, fmt.Errorf("patch %s: %w", m.Key, err)
			}
			inner := events.Object{}
			if raw, ok := target.Get(m.Key); ok && raw[0] == '{' {
				if inner, err = events.ParseObject(raw); err != nil {
					return nil, fmt.Errorf("patch %s: %w", m.Key, err)
				}
			}
			if inner, err = merge(inner, below); err != nil {
				return nil, err
			}
			target = target.Set(m.Key, inner)
		default:
			target = target.Set(m.Key, m.Value)
		}
	}
	return target, nil
}
