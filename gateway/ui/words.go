package ui

import (
	"regexp"
	"strings"

	"spool.internal/events"
)

// word is what people call an outcome, a state of a job, or a verdict.
func word(v any) string {
	s := text(v)
	switch s {
	case string(events.OutcomeNotKept):
		return "outcome not kept"
	case "dst_gap":
		return "gap"
	case "dst_fold":
		return "twice"
	}
	return strings.ReplaceAll(strings.ToLower(s), "_", " ")
}

// ran begins a reason that names its run, which a person has not to read.
var ran = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f-]{27} `)

// whyIt is a reason as a sentence.
func whyIt(why string) string {
	if why = ran.ReplaceAllString(why, ""); why == "" {
		return "Its run says."
	}
	return sentence(why)
}

// text gives what is said of something in the API.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case events.Outcome:
		return string(v)
	case events.Ruling:
		return string(v)
	case events.JobStatus:
		return string(v)
	case events.Status:
		return string(v)
	case events.FolderState:
		return string(v)
	}
	return ""
}
