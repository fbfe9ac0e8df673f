package schedule

import "fmt"

// Error says what is wrong with an expression or a zone name, and what would be
// right. Its text begins with the field and does not say "schedule".
type Error struct {
	Field   string // "minute", "hour", "day of month", "month", "day of week", "time zone", or empty: the whole expression
	Problem string // names the field too
	Remedy  string // empty when the problem already says what is allowed
}

func (e *Error) Error() string {
	if e.Remedy == "" {
		return e.Problem
	}
	return e.Problem + ": " + e.Remedy
}

// fault makes an Error about the expression as a whole.
func fault(problem, remedy string) *Error {
	return &Error{Problem: problem, Remedy: remedy}
}

// fault makes an Error about one item of the field; problem continues the
// sentence that begins with the field and the item.
func (k *kind) fault(item, problem, remedy string) *Error {
	return &Error{Field: k.name, Problem: fmt.Sprintf("%s %q %s", k.name, item, problem), Remedy: remedy}
}
