package eventstest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"spool.internal/events/wait"
)

// Main is the TestMain of a package that starts goroutines: it runs the tests, and fails
// where one of them leaves a goroutine behind. In a service it also fails where the lines
// In: and Out: of the package comment are not what the service read and wrote meanwhile.
//
//	func TestMain(m *testing.M) { os.Exit(eventstest.Main(m)) }
func Main(m *testing.M) (status int) {
	flag.Parse()
	said, service := readLines()
	var did *uses
	if service && flagText("test.bench")+flagText("test.run")+flagText("test.skip") == "" { // the whole package runs
		did = watch(packageOf(1))
	}
	status = m.Run()
	if fuzz := flag.Lookup("test.fuzzworker"); status != 0 || fuzz != nil && fuzz.Value.String() == "true" {
		return status
	}
	if err := leaks(); err != nil {
		fmt.Fprintf(os.Stderr, "goroutines are left behind: %v\n", err)
		return 1
	}
	if did == nil {
		return 0
	}
	if err := did.judge(said); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func flagText(name string) string {
	if f := flag.Lookup(name); f != nil {
		return f.Value.String()
	}
	return ""
}

// packageOf names the package of the TestMain that called Main.
func packageOf(skip int) string {
	pc, _, _, _ := runtime.Caller(skip + 1)
	name := runtime.FuncForPC(pc).Name()
	at := strings.LastIndexByte(name, '/') + 1
	last, _, _ := strings.Cut(name[at:], ".")
	return name[:at] + strings.TrimSuffix(last, "_test")
}

// leaks waits for goroutines that are about to end.
func leaks() error {
	for deadline := time.Now().Add(10 * time.Second); ; {
		if err := goleak.Find(foreign...); err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// foreign is what libraries leave that have no way of ending it: clients of HTTP keep
// their connections for a while.
var foreign = []goleak.Option{
	goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*Server).StartRouting"), // of a server that lets clients in later
	goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"),
	goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
}

// Patience is how long a test waits for what must come: longer than any machine needs, for
// a test fails by what is wrong, never by a busy machine.
const Patience = 5 * time.Minute

// Eventually waits for what another goroutine, process or server brings about, and ends
// the test if it does not come about within [Patience]. f is called from the test's
// goroutine, soon at first, then less and less often.
func Eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	retry := wait.Backoff{First: 2 * time.Millisecond, Last: 50 * time.Millisecond}
	for deadline := time.Now().Add(Patience); ; time.Sleep(retry.Next()) {
		if f() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, Patience)
		}
	}
}

// AwayFromTheMinute lets the last five seconds of a minute go by, before what holds only until a
// slot falls due.
func AwayFromTheMinute() {
	next := time.Now().Truncate(time.Minute).Add(time.Minute)
	if left := time.Until(next); left < 5*time.Second {
		time.Sleep(left)
	}
}

// Parallel has so many of the package's parallel tests run at once, unless -parallel says how
// many: for tests that mostly wait. Call it before [Main].
func Parallel(n int) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", strconv.Itoa(n))
	}
}

// Background runs f until stop is called or the test ends, and waits for its end. The test
// fails if f gives an error, or does not end within [Patience].
func Background(t testing.TB, f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(Patience):
			t.Error("something that was stopped goes on")
		}
	})
	t.Cleanup(stop)
	return stop
}
