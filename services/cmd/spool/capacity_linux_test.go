package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/schedule"
)

// capacityPage is where the costs of items are written down.
const capacityPage = "../../../deploy/CAPACITY.md"

// tolerance is by how much arithmetic may be wrong.
const tolerance = 0.30

// The bytes of each item are what deploy/CAPACITY.md says.
func TestLongCapacity(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
	p := newPriced(t, 1)
	p.items(10)
	p.checkPage()
	p.simulate(1000, 1)
}

// What items cost, on one machine and on three, and whether that adds up to what 10,000 and
// 100,000 jobs cost real stores, and what a simulation of 1,000,000 has.
func TestCapacity(t *testing.T) {
	if os.Getenv("CAPACITY") == "" {
		t.Skip("make capacity runs it: it takes minutes")
	}
	for _, replicas := range []int{1, 3} {
		t.Run(fmt.Sprint("R", replicas), func(t *testing.T) {
			p := newPriced(t, replicas)
			p.items(1)
			p.checkPage()
			p.simulate(10_000, 3)
			if replicas == 1 {
				p.simulate(100_000, 1)
			}
		})
	}
	t.Run("1,000,000 jobs", millionJobs)
}

// The table of what one machine and three are good for, into the folder of what is built.
func TestClusterFigures(t *testing.T) {
	part, _ := strconv.Atoi(os.Getenv("BENCH_CLUSTER")) // of the usual numbers
	if part == 0 {
		t.Skip("make bench-cluster runs it: it takes minutes")
	}
	by := map[int]map[string]cost{}
	var order []string
	for _, replicas := range []int{1, 3} {
		t.Run(fmt.Sprint("R", replicas), func(t *testing.T) {
			p := newPriced(t, replicas)
			p.items(part)
			p.tenThousand(part)
			by[replicas], order = p.all, p.order
		})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, `make bench-cluster`: %s\n\n", time.Now().UTC().Format("2006-01-02 15:04"), thisMachine(t))
	b.WriteString("| Item | Bytes a copy | R1: a second; p50 / p99; processor | R3: a second; p50 / p99; processor of all three servers |\n|---|---|---|---|\n")
	for _, what := range order {
		one, three := by[1][what], by[3][what]
		fmt.Fprintf(&b, "| %s | %.0f | %s | %s |\n", what, max(0, one.bytes), one, three)
	}
	fmt.Println(b.String())
	if err := os.WriteFile("../../../bin/bench-cluster.md", []byte(b.String()), 0o644); err != nil {
		t.Error(err)
	}
}

func (c cost) String() string {
	if c.n == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f/s; %s / %s; %s", c.rate, short(c.p50), short(c.p99), short(c.cpu))
}

func short(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1000) }

// thisMachine says on what figures were measured.
func thisMachine(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Fatal(err)
	}
	model := regexp.MustCompile(`(?m)^model name\s*: (.*)$`).FindStringSubmatch(string(text))
	if model == nil {
		model = []string{"", runtime.GOARCH}
	}
	return fmt.Sprintf("%d processors (%s), all servers on one disk", runtime.NumCPU(), model[1])
}

// near fails when what was reckoned is not what was found.
func near(t testing.TB, what string, reckoned, found float64) {
	t.Helper()
	off := math.Abs(reckoned-found) / found
	t.Logf("%s: reckoned %.4g, found %.4g, %+.0f %%", what, reckoned, found, 100*(reckoned-found)/found)
	if off > tolerance {
		t.Errorf("%s: the arithmetic says %.4g, and it is %.4g: more than 30 %% off", what, reckoned, found)
	}
}

// checkPage compares the bytes that were measured with those of the page.
func (p *priced) checkPage() {
	p.Helper()
	text, err := os.ReadFile(capacityPage)
	if err != nil {
		p.Fatal(err)
	}
	row := regexp.MustCompile(`(?m)^\| ([^|]+) \| ([0-9,]+) B \|`)
	told := 0
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		c, ok := p.all[m[1]]
		if !ok {
			p.Errorf("%s: %q is nothing that is measured", capacityPage, m[1])
			continue
		}
		bytes, err := strconv.ParseFloat(strings.ReplaceAll(m[2], ",", ""), 64)
		if err != nil {
			p.Fatal(err)
		}
		told++
		near(p, m[1]+", bytes", bytes, c.bytes)
	}
	if told < 5 {
		p.Errorf("%s has the bytes of %d items only", capacityPage, told)
	}
}

// simulate has so many minutely jobs live for so many minutes of a simulated clock: each slot
// is committed, taken off the queue and gets its result; as many files come. What that keeps
// and costs is what the items add up to.
func (p *priced) simulate(jobs, minutes int) {
	p.Helper()
	ctx, had, cpu := p.Context(), p.stored(), p.cpu()
	base := 1_000_000 + jobs // jobs of its own
	p.measure("jobs", jobs, func(n int) error {
		_, err := p.bus.PutJob(ctx, pricedJob(base+n, "* * * * *"), 0)
		return err
	}, 64)
	commit, off := time.Duration(0), time.Duration(0)
	for m := range minutes {
		at := events.Minute(29_100_000 + jobs + m)
		began := time.Now()
		p.pass(base, jobs, at)
		commit += time.Since(began)
		began = time.Now()
		writer := p.bus.NewResults()
		p.takenOff("slots", p.bus.Triggers(events.KindCron, "").Queue("dispatch-cron", 1000), jobs, func(d *jet.Delivery) error {
			t, err := d.Trigger()
			if err != nil {
				return err
			}
			return writer.Put(ctx, jet.EncodeResult(pricedResult(t)))
		})
		off += time.Since(began)
	}
	slots := float64(jobs * minutes)
	what := fmt.Sprintf("%d jobs, %d simulated minutes, R%d", jobs, minutes, len(p.machines))
	job, result := p.all["job event, 64 clients"], p.all["result, an answer of 60 B"]
	slot, take := p.all["slots, batches of 999"], p.all["trigger taken off its queue"]
	near(p, what+", bytes a copy", float64(jobs)*job.bytes+slots*result.bytes, p.stored()-had)
	if jobs >= 10_000 { // fewer take too little to be measured
		reckoned := float64(jobs)*job.cpu.Seconds() + slots*(slot.cpu+take.cpu+result.cpu).Seconds()
		near(p, what+", seconds of a processor of all servers", reckoned, (p.cpu() - cpu).Seconds())
	}
	p.Logf("%s: a minute committed in %s, worked off in %s", what, (commit / time.Duration(minutes)).Round(time.Millisecond), (off / time.Duration(minutes)).Round(time.Millisecond))
}

// pass commits the slots of a minute as cron does.
func (p *priced) pass(base, jobs int, at events.Minute) {
	p.Helper()
	_, seq, err := p.bus.Clock(p.Context())
	for from := 0; from < jobs && err == nil; from += 999 {
		var list []events.Trigger
		for n := from; n < min(jobs, from+999); n++ {
			list = append(list, slotOf(base+n, at))
		}
		seq, err = p.bus.CommitPass(p.Context(), events.Clock{Minute: at}, seq, events.Answers{Fired: list})
	}
	if err != nil {
		p.Fatal(err)
	}
}

// millionJobs goes through the slots of a day of 1,000,000 jobs, and compares how many there are,
// and at the worst minute, with what is reckoned.
func millionJobs(t *testing.T) {
	const jobs = 1_000_000
	mix := []struct {
		share float64
		each  func(n int) string
		a     float64 // slots a day
		peak  float64 // part of them at the full hour
	}{
		{0.60, func(int) string { return "0 * * * *" }, 24, 1},
		{0.30, func(n int) string { return fmt.Sprintf("%d %d * * *", n%60, n/60%24) }, 1, 1.0 / 1440},
		{0.10, func(int) string { return "*/15 * * * *" }, 96, 1},
	}
	day := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	found, reckoned, peak := map[string]float64{}, 0.0, 0.0
	total := 0.0
	for _, part := range mix {
		many := int(jobs * part.share)
		alike := map[string]int{}
		for n := range many {
			alike[part.each(n)]++
		}
		for text, n := range alike {
			s, err := schedule.Parse(text, time.UTC)
			if err != nil {
				t.Fatal(err)
			}
			for at := s.Next(day.Add(-time.Minute)); at.Before(day.Add(24 * time.Hour)); at = s.Next(at) {
				found[at.Format("15:04")] += float64(n)
				total += float64(n)
			}
		}
		reckoned += float64(many) * part.a
		peak += float64(many) * part.peak
	}
	near(t, "slots a day of 1,000,000 jobs", reckoned, total)
	near(t, "slots at a full hour", peak, found["12:00"])
	bytes := 0.0
	for n := range 1000 {
		bytes += float64(len(events.Encode(pricedJob(n, "0 * * * *"))) + len("spool.job.") + 36 + 34) // its record in a block
		for k, v := range events.CloudEvent("spool.job.created", pricedID(n)+".4711", "gateway", pricedID(n), day) {
			bytes += float64(len(k) + len(v) + len(": \r\n"))
		}
	}
	page := pageBytes(t, "job event, 64 clients")
	near(t, "GB of JOBS with 1,000,000 jobs", page*jobs/1e9, bytes*1000/1e9)
	t.Logf("results of a day, a copy: %.0f GB", total*pageBytes(t, "result, an answer of 60 B")/1e9)
}

// pageBytes is what the page says that an item keeps.
func pageBytes(t testing.TB, item string) float64 {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(capacityPage))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(item) + ` \| ([0-9,]+) B \|`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("%s does not say the bytes of %q", capacityPage, item)
	}
	n, err := strconv.ParseFloat(strings.ReplaceAll(string(m[1]), ",", ""), 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
