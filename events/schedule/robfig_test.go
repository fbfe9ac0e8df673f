package schedule

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"
)

// TestAgreesWithRobfig compares with the most used parser in UTC. The generator
// leaves out where the dialects differ on purpose: a star with a step in a day
// field, 7 as Sunday, steps larger than their range.
func TestAgreesWithRobfig(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	compared, answers := 0, 0
	for compared < 10_000 {
		expr := randomExpr(random, false)
		ours, err := Parse(expr, nil)
		if err != nil {
			continue // impossible dates
		}
		theirs, err := cron.ParseStandard(expr)
		if err != nil {
			t.Fatalf("%q is ours alone: %v", expr, err)
		}
		compared++
		at := time.Unix(random.Int64N(60*365*24*60*60), 0).UTC()
		for range 20 {
			want, got := theirs.Next(at), ours.Next(at)
			if want.IsZero() {
				break // it gives up after five years
			}
			if !want.Equal(got) {
				t.Fatalf("%q: Next(%s) = %s, robfig says %s", expr, at, got, want)
			}
			at = got
			answers++
		}
	}
	t.Logf("%d expressions, %d answers, none of them different", compared, answers)
}

// randomExpr makes an expression that is correct but for impossible dates. Wild
// ones use the whole dialect and prefer the hours in which clocks change.
func randomExpr(random *rand.Rand, wild bool) string {
	pick := func(lo, hi int) int { return lo + random.IntN(hi-lo+1) }
	item := func(lo, hi int) string {
		a := pick(lo, hi)
		switch b := pick(a, hi); random.IntN(6) {
		case 0:
			return fmt.Sprintf("%d-%d", a, b)
		case 1:
			return fmt.Sprintf("%d-%d/%d", a, b, pick(1, b-a+1))
		case 2:
			return fmt.Sprintf("%d/%d", a, pick(1, hi-a+1))
		default:
			return fmt.Sprint(a)
		}
	}
	field := func(lo, hi int, steps bool) string {
		switch n := random.IntN(8); {
		case n < 2:
			return "*"
		case n == 2:
			return "?"
		case n == 3 && steps:
			return fmt.Sprintf("*/%d", pick(1, hi-lo+1))
		case n == 4 && steps && wild:
			return fmt.Sprintf("*/%d,%s", pick(1, hi-lo+1), item(lo, hi))
		default:
			items := make([]string, pick(1, 3))
			for i := range items {
				items[i] = item(lo, hi)
			}
			return strings.Join(items, ",")
		}
	}
	lastHour := 23
	if wild && random.IntN(2) == 0 {
		lastHour = 4
	}
	hour := field(0, lastHour, true)
	if lastHour < 23 && random.IntN(2) == 0 {
		hour = fmt.Sprintf("%d-%d", pick(0, 1), pick(1, 3))
	}
	return strings.Join([]string{
		field(0, 59, true), hour, field(1, 31, wild), field(1, 12, true), field(0, 6, wild),
	}, " ")
}
