package v1

import (
	"fmt"
	"strconv"
	"strings"

	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// maxWarnings bounds what a body can put into the header of its answer: clients give
// up on an answer with more than about a hundred lines of header.
const maxWarnings = 8

// warnings says of each unknown key that it means nothing, in text that a
// header can hold, with the known key that it may be a slip for.
func warnings(unknown []string) []string {
	var list []string
	for i, path := range unknown {
		if i == maxWarnings {
			return append(list, fmt.Sprintf("%d more unknown keys", len(unknown)-i))
		}
		object := ""
		if strings.HasPrefix(path, "flow_parameters.") {
			object = "flow_parameters."
		}
		meant := change.Meant(object, strings.TrimPrefix(path, object))
		list = append(list, "unknown key "+strconv.QuoteToASCII(wire.ShortKey(path))+wire.DidYouMean(meant))
	}
	return list
}
