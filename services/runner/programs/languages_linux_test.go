package programs

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const poolScript = `cat >"$TMPDIR/p.py" <<'END'
import multiprocessing as mp
from concurrent.futures import ProcessPoolExecutor
def square(n): return n * n
def put(q, n): q.put(n)
if __name__ == "__main__":
    with mp.Pool(2) as pool: squares = pool.map(square, range(5))
    with ProcessPoolExecutor(2, mp_context=mp.get_context("spawn")) as pool: assert list(pool.map(square, range(5))) == squares
    q, lock = mp.Queue(), mp.Lock()
    ps = [mp.Process(target=put, args=(q, n)) for n in range(3)]
    for p in ps: p.start()
    got = sorted(q.get() for _ in ps)
    for p in ps: p.join()
    with lock: shared = mp.Value("i", 7)
    print("pool", sum(squares), got, shared.value, file=open("made", "w"))
END
/usr/bin/python3 "$TMPDIR/p.py"`

const managerScript = `cat >"$TMPDIR/m.py" <<'END'
import multiprocessing as mp
from multiprocessing import shared_memory
def add(d, lock, n):
    with lock: d["sum"] += n
if __name__ == "__main__":
    with mp.Manager() as m:
        d, lock = m.dict({"sum": 0}), m.Lock()
        ps = [mp.Process(target=add, args=(d, lock, n)) for n in (40, 2)]
        for p in ps: p.start()
        for p in ps: p.join()
        s = shared_memory.SharedMemory(create=True, size=10)
        s.buf[0] = 7; kept = s.buf[0]; s.close(); s.unlink()
        print("manager", d["sum"], kept, file=open("made", "w"))
END
/usr/bin/python3 "$TMPDIR/m.py"`

const goFlow = `package main

import ("crypto/sha256"; "fmt"; "os"; "os/exec"; "path/filepath"; "sync")

func main() {
	files, _ := filepath.Glob(os.Args[1] + "/table.*")
	var wg sync.WaitGroup
	for _, f := range files { wg.Add(1); go func() { defer wg.Done(); b, _ := os.ReadFile(f); _ = sha256.Sum256(b) }() }
	wg.Wait()
	said, err := exec.Command("echo", "hello").Output()
	if err != nil { panic(err) }
	if err := os.WriteFile(os.Args[2]+"/made", fmt.Appendf(nil, "%d files, %s", len(files), said), 0o644); err != nil { panic(err) }
}`

var languages = []program{
	{
		name: "python3, multiprocessing", packages: "python3", needs: []string{"/usr/bin/python3"}, ten: true, quick: true,
		script: poolScript, want: `pool 30 \[0, 1, 2\] 7`, makes: "sums, by `Pool`, `ProcessPoolExecutor`, `Queue`, `Lock` and `Value`",
	}, {
		name: "python3, multiprocessing.Manager", packages: "python3", needs: []string{"/usr/bin/python3"}, quick: true,
		script: managerScript, want: `manager 42 7`, makes: "a sum in a dictionary that processes share, and shared memory",
	}, {
		name: "python3, venv", packages: "python3-venv", needs: []string{"/usr/bin/python3", "/usr/lib/python3*/ensurepip/__init__.py"},
		script: `/usr/bin/python3 -m venv "$TMPDIR/v"
. "$TMPDIR/v/bin/activate"
mkdir "$TMPDIR/pkg"; printf 'def answer(): return 42\n' >"$TMPDIR/pkg/answers.py"; printf 'from setuptools import setup\nsetup(name="answers", version="1", py_modules=["answers"])\n' >"$TMPDIR/pkg/setup.py"
python -m pip install --no-index --no-build-isolation --disable-pip-version-check -q "$TMPDIR/pkg"
cd /; python -c 'import sys, answers; print("venv", sys.prefix != sys.base_prefix, answers.answer())' >"$2/made"`,
		want: `venv True 42`, makes: "an environment, with a package installed in it by pip",
	}, {
		name: "node", packages: "nodejs", needs: []string{"node"}, ten: true, quick: true,
		script: `node -e '
const { Worker } = require("worker_threads"), cp = require("child_process"), zlib = require("zlib"), fs = require("fs")
new Worker("require(\"worker_threads\").parentPort.postMessage(40)", { eval: true }).on("message", n => {
  const m = Number(cp.execFileSync("node", ["-p", "2"]))
  fs.writeFileSync("made", "sum " + (n + m) + " " + zlib.gunzipSync(zlib.gzipSync("zipped")))
})'`,
		want: `sum 42 zipped`, makes: "a sum of a worker and a child process",
	}, {
		name: "java", packages: "default-jdk-headless", needs: []string{"java", "javac"}, ten: true,
		script: `java "$1/Sum.java"`,
		want:   `sum 42 true`, makes: "a sum, by a source file and threads",
	}, {
		name: "perl", packages: "perl", needs: []string{"perl"}, quick: true,
		script: `perl -MPOSIX -MFile::Temp=tempfile -e 'my ($f, $n) = tempfile(); print $f 42; close $f; open(my $i, "<", $n) or die; print POSIX::strftime("%Y", gmtime(0)), " ", <$i>, " ", (getpwuid($<))[0] // "nobody", "\n"' >made`,
		want:   `1970 42 \w+`, makes: "a date, a number out of `/tmp`, and the name of its user",
	}, {
		name: "php", packages: "php-cli", needs: []string{"php"},
		script: `php -r '$rows = array_map("str_getcsv", file($argv[1])); array_shift($rows); $s = 0; foreach ($rows as $r) $s += $r[1]; file_put_contents("made", "sum $s " . ctype_alpha("x") . " " . json_encode(["tz" => date_default_timezone_get()]));' "$1/table.csv"`,
		want:   `sum 42 1 \{"tz":"`, makes: "the sum of a table, with the modules of `/etc/php`",
	}, {
		name: "ruby", packages: "ruby", needs: []string{"ruby"}, quick: true,
		script: `ruby -rjson -rtmpdir -e 'rows = JSON.parse(File.read(ARGV[0])); Dir.mktmpdir { |d| File.write("#{d}/x", rows.sum { |r| r["amount"] }); File.write("made", "sum " + File.read("#{d}/x")) }' "$1/table.json"`,
		want:   `sum 42`, makes: "a sum over JSON",
	}, {
		name: "R", packages: "r-base-core", needs: []string{"Rscript"},
		script: `Rscript -e 'd <- read.csv(commandArgs(TRUE)[1]); library(parallel); s <- sum(unlist(mclapply(d$amount, function(n) n, mc.cores = 2))); pdf("plot.pdf"); plot(d$amount); invisible(dev.off()); cat("sum", s, file.exists("plot.pdf"), file = "made")' "$1/table.csv"`,
		want:   `sum 42 TRUE`, makes: "a sum of two processes, and a plot",
	}, {
		name: "gcc", packages: "gcc libc6-dev", needs: []string{"gcc", "/usr/include/stdio.h"},
		script: `gcc -O2 -o made "$1/sum.c"`,
		read:   "MADE", want: `sum 42`, makes: "a program, which the flow itself may not execute",
	}, {
		name: "make", packages: "make", needs: []string{"make"},
		script: `make -j 2 -s -f "$1/Makefile" made`,
		want:   `(?s)a made.*b made`, makes: "a file of two others, in two processes",
	}, {
		name: "go build", packages: "golang-go", needs: []string{"go"},
		script: `cd "$1/go"; GOTOOLCHAIN=local GOPROXY=off GOFLAGS=-mod=mod go build -trimpath -o "$2/made" .`,
		read:   "MADE", want: `sum 42`, makes: "a program; its cache is in the private folder",
	}, {
		name: "a static Go program", packages: "golang-go", needs: []string{"go"}, build: goProgram,
		want: `3 files, hello`, makes: "what it writes, as the flow itself, without the system's libraries",
	}, {
		name: "busybox", packages: "busybox", needs: []string{"busybox"}, quick: true,
		script: `busybox awk -F, 'NR > 1 { n += $2 } END { print "sum", n }' "$1/table.csv" | busybox tee made | busybox sha256sum >sum; busybox sh -c 'busybox find . -type f | busybox sort' >>made`,
		want:   `(?s)sum 42.*\./made.*\./sum`, makes: "a sum, by a static program",
	}, {
		name: "fontconfig", packages: "fontconfig fonts-dejavu-core", needs: []string{"fc-list"}, quick: true,
		script: `fc-list >made`, want: `/usr/share/fonts/`, makes: "the list of the host's fonts",
	}, {
		name: "jq", packages: "jq", needs: []string{"jq"}, quick: true,
		script: `jq -r '"sum \(map(.amount) | add)"' "$1/table.json" >made`,
		want:   `sum 42`, makes: "a sum over JSON",
	},
}

// goProgram builds a flow that needs nothing of the system's libraries.
func goProgram(t *testing.T, path string) {
	t.Helper()
	source := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(source, []byte(goFlow), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
