package runner

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// work is a program that people have, with what it is to make of the input.
type work struct {
	program string // in /usr/bin or /usr/local/bin
	script  string // the flow: $1 is the input, it works in its output
	makes   string // the file that it makes
	begins  string // how that begins
	slow    bool   // it takes seconds
}

const poolScript = `cat >"$TMPDIR/p.py" <<'END'
import sys, os, tempfile, multiprocessing as mp
def square(n): return n * n
def put(q, n): q.put(n)
if __name__ == "__main__":
    with mp.Pool(2) as pool: squares = pool.map(square, range(5))
    q, lock = mp.Queue(), mp.Lock()
    ps = [mp.Process(target=put, args=(q, n)) for n in range(3)]
    for p in ps: p.start()
    got = sorted(q.get() for _ in ps)
    for p in ps: p.join()
    with lock: shared = mp.Value("i", 7)
    open("/tmp/seen", "w").close()
    assert os.path.exists(os.path.join(os.environ["TMPDIR"], "seen"))
    print("pool", sum(squares), got, shared.value, file=open("made", "w"))
END
/usr/bin/python3 "$TMPDIR/p.py"`

const postscript = `%!PS
/Helvetica findfont 24 scalefont setfont 72 700 moveto (Invoice 42) show showpage`

// works is the table of programs that run as they are, without any grant. Python's
// is never left out.
var works = []work{
	{"python3", poolScript, "made", "pool 30 [0, 1, 2] 7", false},
	{"gs", `gs -q -dBATCH -dNOPAUSE -sDEVICE=pdfwrite -sOutputFile=made "$1/page.ps"`, "made", "%PDF-", false},
	{"ocrmypdf", `gs -q -dBATCH -dNOPAUSE -sDEVICE=pdfwrite -sOutputFile="$TMPDIR/a.pdf" "$1/page.ps"
/usr/bin/ocrmypdf --jobs 2 --force-ocr "$TMPDIR/a.pdf" "$TMPDIR/b.pdf"; pdftotext "$TMPDIR/b.pdf" made`, "made", "Invoice 42", true},
	{"convert", `convert -size 40x20 xc:red PNG:made`, "made", "\x89PNG", false},
	{"node", `node -e 'require("fs").writeFileSync("made", "node " + require("crypto").createHash("sha1").update("x").digest("hex"))'`, "made", "node 11f6ad8ec52a2984abaafd7c3b516503785c2072", false},
	{"java", `java -Xmx64m -version 2>made`, "made", "openjdk version", true},
	{"perl", `perl -MPOSIX -e 'print POSIX::strftime("%Y", gmtime(0)), "\n"' >made`, "made", "1970", false},
	{"ruby", `ruby -rjson -e 'puts({"a" => 1}.to_json)' >made`, "made", `{"a":1}`, false},
	{"pandoc", `pandoc -f markdown -t html "$1/a.md" -o made`, "made", "<h1", false},
	{"fc-list", `fc-list >made`, "made", "/usr/share/fonts/", false},
}

// Programs that people have run in the sandbox as they are.
func TestPrograms(t *testing.T)     { tryPrograms(t, false) }
func TestLongPrograms(t *testing.T) { tryPrograms(t, true) }

func tryPrograms(t *testing.T, slow bool) {
	l := newLab(t, eventstest.Options{})
	l.write("in/page.ps", postscript, 0o644)
	l.write("in/a.md", "# Title\n", 0o644)
	r := l.shut(nil)
	if !r.room.Form.View {
		t.Skipf("this host has nothing private for flows: %s", r.missing())
	}
	url := l.serve(r).URL
	l.background(r.Run)
	for _, w := range works {
		if w.slow != slow {
			continue
		}
		t.Run(w.program, func(t *testing.T) {
			if _, err := exec.LookPath(w.program); err != nil && w.program != "python3" {
				t.Skipf("this machine has no %s: apt-get install it", w.program)
			}
			l.runs(t, url, w)
		})
	}
}

// runs runs a work and looks at what it has made.
func (l *lab) runs(t *testing.T, url string, w work) {
	t.Helper()
	l.flow(w.program+".flow", "set -e\n"+w.script)
	out := "out-" + w.program
	id := l.accept(url, t.Name(), w.program+".flow", `{"output_dir":"`+logical(out)+`"}`)
	ended := l.until(events.Ended, id)
	if ended.Status != events.OK {
		printed, _ := os.ReadFile(runDir(l.data, id) + "/run.log")
		t.Errorf("ended %+v\n%s", ended, printed)
	}
	if made := l.read(out + "/" + w.makes); !strings.HasPrefix(made, w.begins) {
		t.Errorf("it has made %.200q", made)
	}
}

// What flows go without is said in the run.
func TestMissingIsSaid(t *testing.T) {
	if canSandbox() != nil {
		fmt.Fprintf(os.Stderr, "%s: NOT SHOWN: nothing is closed here\n", t.Name())
		return
	}
	for _, c := range []struct {
		hidden hidden
		want   string
	}{{hidden{mounts: true}, "tmp shm proc"}, {hidden{}, ""}} {
		l := newLab(t, eventstest.Options{})
		l.flow("flow", "true")
		r := l.shut(func(cfg *Config) { cfg.hidden = c.hidden })
		if c.want == "" && !r.room.Form.View {
			continue
		}
		l.background(r.Run)
		id := l.accept(l.serve(r).URL, "k", "flow", `{}`)
		l.until(events.Ended, id)
		printed, _ := os.ReadFile(runDir(l.data, id) + "/run.log")
		if got := strings.Join(l.until(events.Started, id).Unmet, " "); !strings.HasSuffix(got, c.want) || c.want == "" && strings.Contains(got, "shm") {
			t.Errorf("%+v: unmet is %q", c.hidden, got)
		}
		if c.want != "" && !strings.Contains(string(printed), "this flow goes without: shm: ") {
			t.Errorf("run.log is %q", printed)
		}
	}
}
