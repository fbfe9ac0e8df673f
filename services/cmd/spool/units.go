package main

import (
	"strings"
	"time"

	"github.com/spf13/pflag"

	"spool.internal/events/spelling"
)

// unitsHelp explains how sizes and durations are written in every flag.
const unitsHelp = `Sizes are written as bytes or like ` + spelling.SizeForm + `.
Durations are written like ` + spelling.DurationForm + `.`

// size is a flag for a number of bytes. 0 and "" mean the default; if any is set, a value
// below 0 or "any" means no limit.
type size struct {
	n   *int64
	any bool
}

func sizeVar(f *pflag.FlagSet, n *int64, name string, value int64, usage string) {
	*n = value
	f.Var(size{n: n}, name, usage)
}

func boundVar(f *pflag.FlagSet, n *int64, name, usage string) { f.Var(size{n, true}, name, usage) }

func (s size) Type() string { return "size" }

func (s size) String() string {
	switch {
	case s.n == nil || *s.n == 0:
		return ""
	case *s.n < 0:
		return "any"
	}
	return spelling.FormatSize(*s.n)
}

func (s size) Set(text string) (err error) {
	if s.any && (text == "any" || text == "-1") {
		*s.n = -1
		return nil
	}
	if *s.n = 0; text != "" {
		*s.n, err = spelling.Size(text)
	}
	return err
}

// duration is a flag for a duration.
type duration struct{ d *time.Duration }

func durationVar(f *pflag.FlagSet, d *time.Duration, name string, value time.Duration, usage string) {
	*d = value
	f.Var(duration{d}, name, usage)
}

func (d duration) Type() string { return "duration" }

func (d duration) String() string {
	if d.d == nil || *d.d == 0 {
		return ""
	}
	return spelling.FormatDuration(*d.d)
}

func (d duration) Set(text string) (err error) {
	*d.d, err = spelling.Duration(text)
	return err
}

// orNever is a flag for a duration that is 0 when the word is never, as it is at first.
type orNever struct{ duration }

func orNeverVar(f *pflag.FlagSet, d *time.Duration, name, usage string) {
	f.Var(orNever{duration{d}}, name, usage)
}

func (d orNever) Set(text string) error {
	if text == "never" {
		*d.d = 0
		return nil
	}
	return d.duration.Set(text)
}

// durations is a flag for several durations, separated by commas.
type durations struct {
	list  *[]time.Duration
	given bool
}

func durationsVar(f *pflag.FlagSet, list *[]time.Duration, name string, value []time.Duration, usage string) {
	*list = value
	f.Var(&durations{list: list}, name, usage)
}

func (d *durations) Type() string { return "durations" }

func (d *durations) String() string {
	if d.list == nil {
		return ""
	}
	var texts []string
	for _, one := range *d.list {
		texts = append(texts, spelling.FormatDuration(one))
	}
	return strings.Join(texts, ",")
}

// Set replaces the default, and appends to what an earlier flag has set.
func (d *durations) Set(text string) error {
	var more []time.Duration
	for part := range strings.SplitSeq(text, ",") {
		one, err := spelling.Duration(part)
		if err != nil {
			return err
		}
		more = append(more, one)
	}
	if d.given {
		more = append(*d.list, more...)
	}
	*d.list, d.given = more, true
	return nil
}
