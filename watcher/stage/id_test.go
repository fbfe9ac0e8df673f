package stage

import (
	"strings"
	"testing"

	"spool.internal/events"
)

// Whoever calls the runner names the input folder of a run, and with it what
// the janitor removes.
func TestStageOf(t *testing.T) {
	fp := strings.Repeat("0", FingerprintLength)
	if id, ok := Of("a/b/fs/D/x/.spool/job/" + fp + "/input"); !ok || id != (ID{"job", fp}) {
		t.Errorf("%v, %v", id, ok)
	}
	for _, dir := range []string{
		"a/b/fs/D/.spool/././input", "a/b/fs/D/.spool///input", "a/b/fs/D/.spool/../../input", "a/b/fs/D/.spool/job/./input",
		"a/b/fs/D/.spool/./" + fp + "/input", "a/b/fs/D/.spool/job/" + fp, "a/b/fs/D/.spool/job/" + fp + "/input/x", "a/b/fs/D/.spool/job/short/input",
		"a/b/fs/D/.spool/j>b/" + fp + "/input", ".spool/job/" + fp + "/input", "",
	} {
		if id, ok := Of(dir); ok {
			t.Errorf("%q is taken for stage %v", dir, id)
		}
	}
}

func TestInputDir(t *testing.T) {
	got := InputDir(events.Path{Drive: "a/b/fs/My Drive", Rel: "x"}, "job", "fp")
	if want := "a/b/fs/My Drive/x/.spool/job/fp/input"; got != want {
		t.Errorf("input_dir %q, want %q", got, want)
	}
}
