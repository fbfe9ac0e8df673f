package change

import (
	"slices"
	"strings"

	"spool.internal/events"
	"spool.internal/events/spelling"
)

// Meant gives the key, with the object that it stands in, that was probably meant
// by an unknown key of an object, or "". What has its place elsewhere is
// found first: a timezone at the top is spool.timezone.
func Meant(object, key string) string {
	if plain := strings.ToLower(strings.ReplaceAll(key, "_", "")); plain == "timezone" || plain == "tz" {
		key = "timezone"
	}
	for _, other := range []string{"", "flow_parameters.", "spool.", "spool.watch.", "run."} {
		if other != object && slices.Contains(events.Keys[other], key) {
			return other + key
		}
	}
	if best := spelling.Nearest(key, events.Keys[object]); best != "" {
		return object + best
	}
	return ""
}
