package change

import "spool.internal/events"

// merge applies a JSON merge patch (RFC 7396) to an object. What the patch does
// not name keeps its place and its spelling; what it adds comes at the end.
func merge(target, patch events.Object) events.Object {
	for _, m := range patch {
		switch m.Value[0] {
		case 'n':
			target = target.Delete(m.Key)
		case '{':
			target = target.Set(m.Key, merge(target.Inner(m.Key), patch.Inner(m.Key)))
		default:
			target = target.Set(m.Key, m.Value)
		}
	}
	return target
}
