package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// printout is what go test -bench has printed, of all rounds together.
type printout struct {
	cpu        string
	benchmarks []*benchmark
	absent     []string // peers that are not here, and what of them is missing
}

// benchmark has the figures of all runs of one, by unit in the order of their printing.
type benchmark struct {
	name    string
	units   []string
	figures map[string][]float64
}

var line = regexp.MustCompile(`^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(.*)$`)

// take reads what one round prints; its benchmarks get a prefix to their names.
func (p *printout) take(prefix string, printed io.Reader) error {
	in := bufio.NewScanner(printed)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		if cpu, ok := strings.CutPrefix(in.Text(), "cpu: "); ok {
			p.cpu = strings.TrimSpace(cpu)
		}
		if name, what, ok := strings.Cut(in.Text(), ": absent "); ok && strings.HasPrefix(name, "Benchmark") {
			if a := strings.TrimPrefix(name, "Benchmark") + " " + what; !slices.Contains(p.absent, a) {
				p.absent = append(p.absent, a)
			}
		}
		m := line.FindStringSubmatch(in.Text())
		if m == nil {
			continue
		}
		b := p.of(prefix + m[1])
		for pair := range slices.Chunk(strings.Fields(m[2]), 2) {
			v, err := strconv.ParseFloat(pair[0], 64)
			if err != nil || len(pair) < 2 {
				return fmt.Errorf("cannot read the figures in %q", in.Text())
			}
			if b.figures[pair[1]] == nil {
				b.units = append(b.units, pair[1])
			}
			b.figures[pair[1]] = append(b.figures[pair[1]], v)
		}
	}
	return in.Err()
}

// of finds a benchmark by its name, or begins one.
func (p *printout) of(name string) *benchmark {
	if i := slices.IndexFunc(p.benchmarks, func(b *benchmark) bool { return b.name == name }); i >= 0 {
		return p.benchmarks[i]
	}
	b := &benchmark{name: name, figures: map[string][]float64{}}
	p.benchmarks = append(p.benchmarks, b)
	return b
}

// median gives the median of a figure of a benchmark, if it was printed.
func (p *printout) median(name, unit string) (float64, bool) {
	i := slices.IndexFunc(p.benchmarks, func(b *benchmark) bool { return b.name == name })
	if i < 0 || len(p.benchmarks[i].figures[unit]) == 0 {
		return 0, false
	}
	v := slices.Sorted(slices.Values(p.benchmarks[i].figures[unit]))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2, true
}

// spell writes a figure with three digits that count, times in the unit that suits them.
func spell(v float64, unit string) string {
	if unit != "ns/op" {
		return digits(v) + " " + unit
	}
	for _, u := range []struct {
		ns   float64
		name string
	}{{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}} {
		if v >= u.ns {
			return digits(v/u.ns) + " " + u.name
		}
	}
	return digits(v) + " ns"
}

func digits(v float64) string {
	if v == 0 || math.Abs(v) >= 100 {
		return strconv.FormatFloat(math.Round(v), 'f', -1, 64)
	}
	places := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	scale := math.Pow(10, float64(places))
	return strconv.FormatFloat(math.Round(v*scale)/scale, 'f', -1, 64)
}
