package metrics_test

import (
	"fmt"
	"strings"
	"testing"

	"spool.internal/events/metrics"
)

// registry refuses what it has already, as those of metrics libraries do.
type registry map[string]bool

func (r registry) Register(name string) error {
	if r[name] {
		return fmt.Errorf("%s is registered already", name)
	}
	r[name] = true
	return nil
}

func TestRegister(t *testing.T) {
	r := registry{}
	if err := metrics.Register(r, "the watcher", "a", "b"); err != nil || len(r) != 2 {
		t.Errorf("registered %v, %v", r, err)
	}
	err := metrics.Register(r, "the watcher", "a", "c", "b")
	if !r["c"] {
		t.Error("one that is refused keeps out those after it")
	}
	for _, want := range []string{"metrics of the watcher: ", "a is registered already", "b is registered already"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error %v does not say %q", err, want)
		}
	}
	if err := metrics.Register[string](nil, "the watcher", "a"); err != nil {
		t.Errorf("without a registry: %v", err)
	}
}

func ExampleRegister() {
	shown := registry{}
	fmt.Println(metrics.Register(shown, "the watcher", "scans", "files"), len(shown))
	fmt.Println(metrics.Register(shown, "the watcher", "files"))
	// Output:
	// <nil> 2
	// metrics of the watcher: files is registered already
}
