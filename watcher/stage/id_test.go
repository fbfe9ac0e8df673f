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
	for dir, want := range map[string]string{
		"a/b/fs/D/x/.spool/job/" + fp + ".AB7":   fp + ".AB7",
		"a/b/fs/D/x/.spool/job/" + fp + "/input": fp, // of a former release
	} {
		id, ok := Of(dir)
		if !ok || id != (ID{"job", want}) {
			t.Errorf("%s: %v, %v", dir, id, ok)
		}
		if got := InputDir(events.Path{Drive: "a/b/fs/D", Rel: "x"}, id.JobID, id.Folder); got != dir {
			t.Errorf("input_dir %q, want %q", got, dir)
		}
	}
	for _, dir := range []string{
		"a/b/fs/D/.spool/././input", "a/b/fs/D/.spool///input", "a/b/fs/D/.spool/../../input", "a/b/fs/D/.spool/job/./input",
		"a/b/fs/D/.spool/./" + fp + "/input", "a/b/fs/D/.spool/job/" + fp, "a/b/fs/D/.spool/job/" + fp + "/input/x", "a/b/fs/D/.spool/job/short/input",
		"a/b/fs/D/.spool/j>b/" + fp + "/input", ".spool/job/" + fp + "/input", "", "a/b/fs/D/.spool/./" + fp + ".AB7", "a/b/fs/D/.spool/job/" + fp + ".",
		"a/b/fs/D/.spool/job/" + fp + ".AB7/input", "a/b/fs/D/.spool/job/short.AB7", "a/b/fs/D/.spool/job", "a/b/fs/D/.spool/job/" + fp + "x.AB7",
		"a/b/fs/D/.spool/job/.AB7",
	} {
		if id, ok := Of(dir); ok {
			t.Errorf("%q is taken for stage %v", dir, id)
		}
	}
}
