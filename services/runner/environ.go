package runner

import (
	"cmp"
	"os"
	"path/filepath"
	"strconv"

	"spool.internal/events"
)

// marker is a set of assignments in the environment of every process that descends from
// the flow of a run. The folder distinguishes the runs of two runners that share a host
// but not a store.
func marker(flowJobID, out string) []string {
	return []string{"SPOOL_RUN_ID=" + flowJobID, "SPOOL_OUTPUT_DIR=" + out}
}

// environment is all that a flow sees: PATH and LANG are the runner's, and no
// other variable passes, since any may hold a secret of the runner.
func environment(run events.Run, attempt int, s settings, in, out, tmp string) []string {
	return append(marker(run.FlowJobID, out),
		"PATH="+flowPath(),
		"HOME="+tmp,
		"TMPDIR="+tmp,
		"LANG="+cmp.Or(os.Getenv("LANG"), "C.UTF-8"),
		"SPOOL_JOB_ID="+run.JobID,
		"SPOOL_ATTEMPT="+strconv.Itoa(attempt),
		"SPOOL_INPUT_DIR="+in,
		"SPOOL_RESULT="+filepath.Join(tmp, resultName),
		"SPOOL_TAGS="+s.tags,
		"SPOOL_RUNTIME_CONFIG="+s.runtimeConfig,
	)
}

// flowPath is the PATH of flows: the runner's.
func flowPath() string { return cmp.Or(os.Getenv("PATH"), "/usr/local/bin:/usr/bin:/bin") }
