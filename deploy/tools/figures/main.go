// Command figures rewrites a table of figures out of what go test -bench prints:
//
//	make bench-next 2>&1 >/dev/null | figures -command "make bench-next" FIGURES.md
//
// The rows of that command are replaced, where they stood, by one for each benchmark
// that was read: the medians of its figures, the machine, the date and the command. All
// other rows stay as they are. It prints on what it reads, and changes nothing unless it
// has read a benchmark.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	command := flag.String("command", "", "the command that prints these figures")
	machine := flag.String("machine", "", "the machine (default: what go test says of its processor)")
	flag.Parse()
	if flag.NArg() != 1 || *command == "" {
		fmt.Fprintln(os.Stderr, `usage: figures -command "make bench-next" [-machine NAME] FIGURES.md <what go test -bench printed`)
		os.Exit(2)
	}
	if err := rewrite(flag.Arg(0), *command, *machine, io.TeeReader(os.Stdin, os.Stdout)); err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

func rewrite(file, command, machine string, printed io.Reader) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	run, err := read(printed)
	if err != nil {
		return err
	}
	if len(run.benchmarks) == 0 {
		return fmt.Errorf("no benchmark was read: %s stays as it is", file)
	}
	if machine == "" {
		machine = run.machine()
	}
	var rows []string
	for _, b := range run.benchmarks {
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s | %s | `%s` |", b.name, b.medians(), machine, time.Now().UTC().Format(time.DateOnly), command))
	}
	return os.WriteFile(file, []byte(replace(string(text), command, rows)), 0o644)
}

// replace puts rows in the place of those that end with the command, or behind the table.
func replace(text, command string, rows []string) string {
	lines := strings.Split(text, "\n")
	isOld := func(line string) bool { return strings.HasSuffix(line, "| `"+command+"` |") }
	at := slices.IndexFunc(lines, isOld)
	if at < 0 {
		for i, line := range lines {
			if strings.HasPrefix(line, "|") {
				at = i + 1
			}
		}
	}
	at = max(at, 0)
	rest := slices.DeleteFunc(slices.Clone(lines[at:]), isOld)
	return strings.Join(slices.Concat(lines[:at], rows, rest), "\n")
}

// printout is what go test -bench printed.
type printout struct {
	cpu        string
	threads    string
	benchmarks []*benchmark
}

// benchmark has the figures of all runs of one, by unit in the order of their printing.
type benchmark struct {
	name    string
	units   []string
	figures map[string][]float64
}

var line = regexp.MustCompile(`^Benchmark(\S+?)(?:-(\d+))?\s+\d+\s+(.*)$`)

func read(printed io.Reader) (*printout, error) {
	run := &printout{threads: "1"}
	for in := bufio.NewScanner(printed); ; {
		if !in.Scan() {
			return run, in.Err()
		}
		if cpu, ok := strings.CutPrefix(in.Text(), "cpu: "); ok {
			run.cpu = strings.TrimSpace(cpu)
		}
		m := line.FindStringSubmatch(in.Text())
		if m == nil {
			continue
		}
		if m[2] != "" {
			run.threads = m[2]
		}
		b := run.of(m[1])
		for pair := range slices.Chunk(strings.Fields(m[3]), 2) {
			v, err := strconv.ParseFloat(pair[0], 64)
			if err != nil || len(pair) < 2 {
				return nil, fmt.Errorf("cannot read the figures in %q", in.Text())
			}
			if b.figures[pair[1]] == nil {
				b.units = append(b.units, pair[1])
			}
			b.figures[pair[1]] = append(b.figures[pair[1]], v)
		}
	}
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

func (p *printout) machine() string {
	if p.cpu == "" {
		return p.threads + " threads"
	}
	return p.threads + " threads, " + p.cpu
}

func (b *benchmark) medians() string {
	var all []string
	for _, unit := range b.units {
		v := slices.Sorted(slices.Values(b.figures[unit]))
		all = append(all, spell((v[(len(v)-1)/2]+v[len(v)/2])/2, unit))
	}
	return strings.Join(all, ", ")
}

// spell writes a figure with three digits that count, times in the unit that suits them.
func spell(v float64, unit string) string {
	if rest, ok := strings.CutPrefix(unit, "ns/"); ok {
		for _, u := range []struct {
			ns   float64
			name string
		}{{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}, {1, "ns"}} {
			if v >= u.ns || u.ns == 1 {
				return digits(v/u.ns) + " " + u.name + "/" + rest
			}
		}
	}
	return digits(v) + " " + unit
}

func digits(v float64) string {
	if v == 0 || math.Abs(v) >= 100 {
		return strconv.FormatFloat(math.Round(v), 'f', -1, 64)
	}
	places := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	scale := math.Pow(10, float64(places))
	return strconv.FormatFloat(math.Round(v*scale)/scale, 'f', -1, 64)
}
