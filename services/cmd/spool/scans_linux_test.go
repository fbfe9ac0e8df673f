package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// office is what a script about scans has at hand: a share, and the languages that
// tesseract knows.
type office struct {
	*harness
	bus       *jet.Bus
	languages string // folder of tesseract's
	job       string
	made      int // scans so far
}

// TestScans plays the script about scans with few of them, TestLongScans with as many
// as an office has.
func TestScans(t *testing.T) {
	t.Parallel()
	playScans(t, 21, 1, 1, 1)
}

func TestLongScans(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
	t.Parallel()
	playScans(t, 300, 7, 7, 6)
}

func playScans(t *testing.T, old, march, april, german int) {
	for _, program := range []string{"ocrmypdf", "tesseract", "gs", "pdftotext"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("scans need %s, which this machine has not", program)
		}
	}
	known, _ := filepath.Glob("/usr/share/tesseract-ocr/*/tessdata")
	if len(known) == 0 {
		t.Skip("the languages of tesseract are not in /usr/share/tesseract-ocr/*/tessdata")
	}
	o := &office{harness: newHarness(t), languages: filepath.Join(t.TempDir(), "tessdata")}
	if out, err := exec.Command("cp", "-rL", known[len(known)-1], o.languages).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Rename(filepath.Join(o.languages, "deu.traineddata"), filepath.Join(t.TempDir(), "deu.traineddata")); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, dir := range []string{"inbox", "done", "failed", "archive"} {
		if err := os.MkdirAll(filepath.Join(o.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	o.serve("--durability", "interval", "--profile", "languages: read "+o.languages+"; owners admin")
	o.bus = o.harness.bus()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/people/scans",
		Setup: func(env *testscript.Env) error {
			env.Setenv("SHARE", o.dir)
			for name, n := range map[string]int{
				"OLD": old, "MARCH": march, "APRIL": april, "GERMAN": german, "ENGLISH": march + april, "NEW": march + april + german,
				"BOTH": 2 * german, "LATER": april + german,
			} {
				env.Setenv(name, strconv.Itoa(n))
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"scans": o.scans, "api": o.api, "outcomes": o.outcomes, "lies": o.lie, "language": o.install, "placed": o.placed,
			"watched": func(*testscript.TestScript, bool, []string) { o.watchLive(o.bus, o.job) },
		},
	})
}

// scanned is the page.
const scanned = `/Helvetica findfont 28 scalefont setfont 72 700 moveto (Invoice %s) show
72 640 moveto (to be paid within thirty days) show showpage
`

// scans puts so many scans into the inbox that were made in a month: name, number, month.
func (o *office) scans(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	at, err := time.Parse("2006-01", args[2])
	ts.Check(err)
	at = at.AddDate(0, 0, 14)
	for i := 1; i <= n; i++ {
		o.made++
		ps, pdf := filepath.Join(o.dir, "page.ps"), filepath.Join(o.dir, "page.pdf")
		ts.Check(os.WriteFile(ps, fmt.Appendf(nil, scanned, strconv.Itoa(o.made)), 0o644))
		if i == 1 || n <= events.MaxExisting { // of many, all have one content
			out, err := exec.Command("gs", "-q", "-dBATCH", "-dNOPAUSE", "-sDEVICE=pdfimage8", "-r150", "-sOutputFile="+pdf, ps).CombinedOutput()
			if err != nil {
				ts.Fatalf("gs: %v: %s", err, out)
			}
		}
		text, err := os.ReadFile(pdf)
		ts.Check(err)
		fresh := filepath.Join(o.dir, "fresh")
		ts.Check(errors.Join(
			os.WriteFile(fresh, text, 0o644), os.Chtimes(fresh, at, at),
			os.Rename(fresh, filepath.Join(o.dir, "inbox", fmt.Sprintf("%s-%03d.pdf", args[0], i))),
		))
	}
	time.Sleep(50 * time.Millisecond) // a tick of the clock of files: they are older than what follows
}

// api makes a call: status, method, path, file with the body.
func (o *office) api(ts *testscript.TestScript, _ bool, args []string) {
	body := map[string]any{}
	text := strings.NewReplacer("@JOB", o.job, "@TESSDATA", o.languages, "@GERMAN", ts.Getenv("GERMAN")).Replace(ts.ReadFile(args[3]))
	ts.Check(json.Unmarshal([]byte(text), &body))
	code, answer := o.ask(args[1], args[2], "", body)
	fmt.Fprintln(ts.Stdout(), answer)
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("%d %s", code, answer)
	}
	var made struct {
		ID string `json:"job_id"`
	}
	if json.Unmarshal([]byte(answer), &made) == nil && code == http.StatusCreated {
		o.job = made.ID
	}
}

// outcomes waits until so many runs have ended ok, and so many failed.
func (o *office) outcomes(ts *testscript.TestScript, _ bool, args []string) {
	count := map[events.Outcome]int{}
	for deadline := time.Now().Add(eventstest.Patience); ; time.Sleep(50 * time.Millisecond) {
		clear(count)
		for _, ev := range o.ended() {
			count[ev.Judged()]++
		}
		ok, failed := strconv.Itoa(count[events.OutcomeOK]), strconv.Itoa(count[events.OutcomeFailed])
		switch {
		case ok == args[0] && failed == args[1]:
			return
		case time.Now().After(deadline):
			ts.Fatalf("runs by outcome: %v", count)
		}
	}
}

func (o *office) ended() []events.RunEvent {
	return read(o.harness, o.bus.Runs(events.Ended, o.job))
}

// lie waits until so many files lie in a folder of the share.
func (o *office) lie(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(eventstest.Patience); ; time.Sleep(50 * time.Millisecond) {
		entries, err := os.ReadDir(filepath.Join(o.dir, args[0]))
		switch {
		case err == nil && strconv.Itoa(len(entries)) == args[1]:
			return
		case time.Now().After(deadline):
			ts.Fatalf("in %s lie %v (%v)", args[0], entries, err)
		}
	}
}

// install gives tesseract a language; where this machine has not got it either, English
// stands for it.
func (o *office) install(ts *testscript.TestScript, _ bool, args []string) {
	known, _ := filepath.Glob("/usr/share/tesseract-ocr/*/tessdata/" + args[0] + ".traineddata")
	from := append([]string{filepath.Join(o.languages, "eng.traineddata")}, known...)
	text, err := os.ReadFile(from[len(from)-1])
	ts.Check(err)
	ts.Check(os.WriteFile(filepath.Join(o.languages, args[0]+".traineddata"), text, 0o644))
}

// placed looks for the one event that names a file of the share as an output.
func (o *office) placed(ts *testscript.TestScript, _ bool, args []string) {
	found := 0
	for _, ev := range o.ended() {
		for _, out := range ev.Outputs {
			if ev.OutputFolder+"/"+out.Path == testDrive+"/"+args[0] {
				found++
				info, err := os.Stat(filepath.Join(o.dir, args[0]))
				ts.Check(err)
				if info.Size() != out.Size {
					ts.Fatalf("%d bytes, said are %d", info.Size(), out.Size)
				}
			}
		}
	}
	if found != 1 {
		ts.Fatalf("%d events name %s", found, args[0])
	}
}
