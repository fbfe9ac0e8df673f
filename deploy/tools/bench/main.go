// Command bench runs the benchmarks of the figures that Spool is judged by, and writes
// them as one table, each beside its floor of the same run and its goal:
//
//	bench [-quick] [-only PATTERN] deploy/bench/FIGURES.md     # in the root of the project
//
// It replaces what stands between the two marks in the file and leaves the rest. With
// -only it runs the rounds whose pattern contains PATTERN and prints their rows, and
// writes nothing.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	quick := flag.Bool("quick", false, "only what is measured in five minutes, each once")
	only := flag.String("only", "", "only the rounds whose pattern contains this; print, and write nothing")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: bench [-quick] [-only PATTERN] deploy/bench/FIGURES.md")
		os.Exit(2)
	}
	if err := run(flag.Arg(0), *quick, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(file string, quick bool, only string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, _, began := strings.Cut(string(text), mark+"\n")
	_, after, ended := strings.Cut(string(text), "\n"+endMark)
	if !began || !ended {
		return fmt.Errorf("%s has no lines %q and %q, between which the table belongs", file, mark, endMark)
	}
	start := time.Now()
	sync, err := syncTime(filepath.Dir(file))
	if err != nil {
		return err
	}
	p, made := &printout{}, ""
	for _, r := range rounds {
		if !strings.Contains(r.pattern, only) || quick && r.once == "" {
			continue
		}
		if err := r.run(p, quick); err != nil { // the figures of the others count all the same
			fmt.Fprintf(os.Stderr, "bench: %s %s: %v\n", r.module, r.pattern, err)
		}
		made = fmt.Sprintf("%s, %s: %s; one fsync of 4 KiB on its disk takes %.2f ms (p50); %s; %s of %s; %.0f minutes. Medians of %s.\n\n%s",
			start.UTC().Format("2006-01-02 15:04"), command(quick), machine(p), sync, kernel(), runtime.Version(), commit(), time.Since(start).Minutes(),
			map[bool]string{false: "five, where the round is not long", true: "one"}[quick], table(p))
		if only != "" {
			continue
		}
		if err := os.WriteFile(file, []byte(before+mark+"\n\n"+made+"\n"+endMark+after), 0o644); err != nil { // after each, for who has no more time
			return err
		}
	}
	if only != "" {
		_, err = fmt.Println(made)
	}
	return err
}

func command(quick bool) string {
	if quick {
		return "`make bench-quick`"
	}
	return "`make bench`"
}

const (
	mark    = "<!-- measured -->"
	endMark = "<!-- end -->"
)

// run runs a round, shows what it prints, and takes its figures.
func (r round) run(p *printout, quick bool) error {
	times, count := r.times, r.count
	if count == 0 {
		count = 5
	}
	if quick {
		times, count = r.once, 1
	}
	args := []string{"test", "-run", "^$", "-bench", r.pattern, "-benchtime", times, "-count", fmt.Sprint(count), "-timeout", "60m"}
	if r.threads {
		args = append(args, "-cpu", fmt.Sprint(2*runtime.NumCPU()))
	}
	prefix := ""
	if r.slow {
		if _, err := exec.LookPath("strace"); err != nil {
			p.absent = append(p.absent, "a slow disk: strace")
			return nil
		}
		prefix = "slow/"
		args = append(args, "-exec", "strace -f --seccomp-bpf -o /dev/null -e trace=fsync,fdatasync -e inject=fsync,fdatasync:delay_enter=3000")
	}
	if r.jobs != "" {
		prefix = r.jobs + "/"
	}
	var printed bytes.Buffer
	cmd := exec.Command("go", append(args, r.module)...)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":"+peers("bin"), "NODE_PATH="+peers("node_modules"), "BENCH_JOBS="+r.jobs)
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&printed, os.Stderr), os.Stderr
	failed := cmd.Run()
	return errors.Join(failed, p.take(prefix, &printed))
}

// peers is where make peers puts them.
func peers(what string) string {
	dir, err := filepath.Abs(filepath.Join("bin", "peers", what))
	if err != nil {
		return ""
	}
	return dir
}

// table writes a row for each figure that there is.
func table(p *printout) string {
	var b strings.Builder
	b.WriteString("| What | Figure | Floor | Ratio | Goal | What the floor or the peer leaves out |\n|---|---|---|---|---|---|\n")
	for _, r := range rows {
		v, ok := p.median(r.bench, r.unit)
		if !ok {
			continue
		}
		floor, times := "", ""
		f, known := p.median(r.floor, r.unit)
		if known && f > 0 {
			floor, times = spell(f, r.unit), digits(v/f)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", r.what, spell(v, r.unit), floor, times, r.goal.judge(v, f, r.unit), r.lacks)
	}
	slices.Sort(p.absent)
	for _, a := range p.absent {
		fmt.Fprintf(&b, "| %s | absent on this machine | | | | |\n", a)
	}
	return b.String()
}

// judge says the goal, and whether a figure meets it.
func (g goal) judge(v, floor float64, unit string) string {
	if g.bound == 0 || g.of != itself && floor == 0 {
		return ""
	}
	said := spell(g.bound, unit)
	switch g.of {
	case ratio:
		v, said = v/floor, digits(g.bound)+" × the floor"
	case beyond:
		v, said = v-floor, said+" more than the floor"
	}
	word, met := "≤ ", v <= g.bound
	if g.least {
		word, met = "≥ ", v >= g.bound
	}
	if met {
		return word + said + ": met"
	}
	return word + said + ": **missed**"
}
