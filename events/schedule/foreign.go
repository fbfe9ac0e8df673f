package schedule

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// foreign recognises what other schedulers and crontabs write, and says what to
// write here instead. It gives nil for what is merely wrong.
func foreign(expr string, texts []string) *Error {
	if name, inner, ok := called(expr); ok {
		return managed(name, inner)
	}
	if len(texts) > 5 {
		return surplus(texts)
	}
	return nil
}

// unquoted gives what stands between quotes of any kind.
func unquoted(expr string) (string, bool) {
	const quotes = "\"'`“”„‘’‚«»"
	inner := strings.TrimLeft(expr, quotes)
	if inner == expr {
		return "", false
	}
	return strings.TrimSpace(strings.TrimRight(inner, quotes)), true
}

var call = regexp.MustCompile(`(?i)^(cron|rate|at)\s*\((.*)\)$`)

func called(expr string) (name, inner string, ok bool) {
	m := call.FindStringSubmatch(expr)
	if m == nil {
		return "", "", false
	}
	return strings.ToLower(m[1]), m[2], true
}

// managed explains cron(…), rate(…) and at(…), which EventBridge takes.
func managed(name, inner string) *Error {
	texts := strings.Fields(inner)
	switch {
	case name == "cron" && len(texts) == 6:
		texts[4] = countedFrom1.ReplaceAllStringFunc(texts[4], func(day string) string {
			last := len(day) - 1
			return day[:last] + weekdayNames[day[last]-'1']
		})
		return within("cron(…) of EventBridge has a year and counts days of the week from 1", texts[:5])
	case name == "cron" && len(texts) == 5:
		return within("cron(…) is not supported", texts)
	case name == "cron":
		return fault("cron(…) is not supported", fiveFields)
	case name == "rate" && len(texts) == 2:
		return rate(texts[0], strings.TrimSuffix(strings.ToLower(texts[1]), "s"))
	case name == "rate":
		return fault("rate(…) is not supported", `use a step such as "*/5 * * * *"`)
	default:
		return fault("at(…) is one moment, and a schedule repeats", fiveFields)
	}
}

var (
	countedFrom1 = regexp.MustCompile(`(^|[,-])[1-7]`)
	weekdayNames = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
)

// within advises what is left of an expression, or says what is wrong with that, too.
func within(problem string, texts []string) *Error {
	left := strings.Join(texts, " ")
	_, err := Parse(left, nil)
	if inner, wrong := errors.AsType[*Error](err); wrong {
		return &Error{inner.Field, problem + ", and of what is left " + inner.Problem, inner.Remedy}
	}
	return fault(problem, "write "+left)
}

// rate finds the fields for rate(count unit), where there are any: a step begins
// anew with each hour, day and month.
func rate(count, unit string) *Error {
	const problem = "rate(…) is not supported"
	n, ok := number(count)
	switch {
	case unit == "minute" && n%(24*60) == 0:
		n, unit = n/(24*60), "day"
	case unit == "minute" && n%60 == 0:
		n, unit = n/60, "hour"
	case unit == "hour" && n%24 == 0:
		n, unit = n/24, "day"
	}
	for _, u := range []struct {
		name, one, many, whole string
		size                   int
	}{
		{"minute", "* * * * *", "*/%d * * * *", "an hour", 60},
		{"hour", "0 * * * *", "0 */%d * * *", "a day", 24},
		{"day", "0 0 * * *", "0 0 */%d * *", "", 1},
	} {
		switch {
		case !ok || u.name != unit || n < 1:
		case n == 1:
			return fault(problem, "write "+u.one)
		case u.size%n == 0:
			return fault(problem, "write "+fmt.Sprintf(u.many, n))
		case n < u.size:
			step := n
			for u.size%step != 0 {
				step--
			}
			return fault(fmt.Sprintf("%s, and %d %ss do not divide %s", problem, n, unit, u.whole), "write "+fmt.Sprintf(u.many, step)+", or name the times with commas")
		case unit == "day":
			return fault(problem+", and days are counted from the first of each month", "write 0 0 * * 1 for once a week, or 0 0 1,15 * * for days of your choice")
		}
	}
	return fault(problem, "name the times with commas, as 0 0,10,20 * * *")
}

var (
	cronField = regexp.MustCompile(`(?i)^([0-9*?,/#~()-]|sun|mon|tue|wed|thu|fri|sat|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|[LWH])+$`)
	yearField = regexp.MustCompile(`^(19|20)[0-9]{2}([-,/][0-9]+)*$`)
)

// surplus explains more than five fields: the line of a crontab, or fields for
// seconds and years.
func surplus(texts []string) *Error {
	first := strings.Join(texts[:5], " ")
	switch after := texts[5]; {
	case strings.HasPrefix(after, "#"):
		return fault("a comment after the fifth field is not supported", "write "+first)
	case !cronField.MatchString(after):
		return fault("a command follows the fifth field", "write "+first+"; the job's flow is the command")
	case len(texts) > 7:
		return nil
	case len(texts) == 7:
		if e := within("fields for seconds and years are not supported", texts[1:6]); e.Field != "" {
			return e
		}
		return fault("fields for seconds and years are not supported", "write the five in the middle, "+strings.Join(texts[1:6], " "))
	}
	seconds, years := readable(texts[1:]), readable(texts[:5])
	switch last := strings.Join(texts[1:], " "); {
	case yearField.MatchString(texts[5]) || years && !seconds:
		return within("the sixth field is a year, which is not supported", texts[:5])
	case seconds && !years:
		return fault("a field for seconds is not supported", "write "+last)
	case !seconds: // nor the other
		return within("six fields are not supported", mostlike(texts))
	default:
		return fault("six fields are not supported", "write "+last+" if the first is seconds, "+first+" if the sixth is a year")
	}
}

// mostlike gives the five of six fields that another scheduler would read: a last
// one of * alone is a year.
func mostlike(texts []string) []string {
	if texts[5] == "*" {
		return texts[:5]
	}
	return texts[1:]
}

// readable reports whether five fields are a schedule of this package.
func readable(texts []string) bool {
	_, err := Parse(strings.Join(texts, " "), nil)
	return err == nil
}

var (
	nearestDay = regexp.MustCompile(`(?i)^(L|[0-9]+)W$`)
	lastDay    = regexp.MustCompile(`(?i)^L(-[0-9]+)?$`)
	lastOf     = regexp.MustCompile(`(?i)^([0-9]|[a-z]{3})L$`)
	nthOf      = regexp.MustCompile(`(?i)^([0-9]|[a-z]{3})#([0-9]+)$`)
	hashed     = regexp.MustCompile(`(?i)^H(\([0-9-]+\))?(/[0-9]+)?$`)
)

// dialect explains an item of a field that has a meaning elsewhere, or gives nil.
func (k *kind) dialect(item string) *Error {
	switch {
	case hashed.MatchString(item):
		_, step, stepped := strings.Cut(item, "/")
		remedy := "choose a value yourself, such as " + strconv.Itoa((k.min+k.max)/3)
		if stepped {
			remedy = `choose one yourself, such as "*/` + step + `"`
		}
		return k.fault(item, "asks with H for a value of the server's choice, which is not supported", remedy)
	case strings.Contains(item, "~"):
		return k.fault(item, "asks with ~ for a random value, which is not supported", "choose a value yourself")
	case k == &days && lastDay.MatchString(item):
		return k.fault(item, "counts from the last day of the month, which is not supported: L is not a day here", "use 1, the day after it, or 28-31 with a flow that looks at the date")
	case k == &days && nearestDay.MatchString(item):
		return k.fault(item, "asks with W for the nearest working day, which is not supported", "use a day, or a day of week such as mon-fri")
	case k == &weekdays && nthOf.MatchString(item):
		m := nthOf.FindStringSubmatch(item)
		if m[2] == "1" {
			return k.fault(item, "asks with # for the first of its kind in a month, which is not supported", "use "+m[1]+" with */31,2-7 as day of month")
		}
		return k.fault(item, "asks with # for one of the weeks of a month, which is not supported", "use "+m[1]+" with a flow that looks at the date")
	case k == &weekdays && (lastDay.MatchString(item) || lastOf.MatchString(item)):
		return k.fault(item, "asks with L for the last of its kind in a month, which is not supported", "name the day, with a flow that looks at the date")
	}
	return nil
}
