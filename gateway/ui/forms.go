package ui

import (
	"errors"
	"strings"

	"spool.internal/events"
)

// fault is what is wrong with one field of a form; Field is empty when it is no field's.
type fault struct{ Field, Text string }

// faults are those of a form.
type faults []fault

// faultsOf takes an error apart. What the caller did not cause is no fault of a form: ok is
// false then, and the page fails instead.
func faultsOf(err error) (all faults, ok bool) {
	if joined, is := err.(interface{ Unwrap() []error }); is { //nolint:errorlint // each of them is looked at
		for _, e := range joined.Unwrap() {
			more, fine := faultsOf(e)
			if all = append(all, more...); !fine {
				return nil, false
			}
		}
		return all, true
	}
	e, is := errors.AsType[*events.Error](err)
	if !is {
		return nil, false
	}
	switch e.Code {
	case events.Invalid, events.Conflict, events.Unauthorized:
		return faults{{e.Field, sentence(e.Message)}}, true
	default:
		return nil, false
	}
}

// Of gives what is wrong with a field: empty when nothing is.
func (f faults) Of(field string) string {
	var texts []string
	for _, one := range f {
		if one.Field == field {
			texts = append(texts, one.Text)
		}
	}
	return strings.Join(texts, " ")
}

// field is one of a form.
type field struct {
	Name, Label string
	Value       string
	Type        string // of the input; "textarea", "select" and "checkbox" too; empty = text
	Hint        string
	Fault       string
	Options     []option // of a select, or proposals for an input
	Required    bool
	Fill        string // autocomplete
}

// option is one of a field.
type option struct {
	Value, Text string
	Chosen      bool
}

// ID is that of the control.
func (f field) ID() string { return "f-" + f.Name }

// Described names what describes the control: its hint, its fault.
func (f field) Described() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.ID()+"-hint")
	}
	if f.Fault != "" {
		ids = append(ids, f.ID()+"-fault")
	}
	return strings.Join(ids, " ")
}
