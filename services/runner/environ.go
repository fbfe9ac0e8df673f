package runner

import (
	"cmp"
	"os"
	"path/filepath"
	"strconv"
)

// marker is a set of assignments in the environment of every process that descends from
// the flow of a run. The folder distinguishes the runs of two runners that share a host
// but not a store.
func marker(flowJobID, out string) []string {
	return []string{"SPOOL_RUN_ID=" + flowJobID, "SPOOL_OUTPUT_DIR=" + out}
}

// environment is the whole environment of a flow. Of the runner's own variables only PATH and
// LANG pass: any other may hold a secret.
func (a *attempt) environment(in, out string) []string {
	run, s, tmp := a.run, a.settings, a.tmp()
	return append(marker(run.FlowJobID, out),
		"PATH="+flowPath(),
		"HOME="+tmp,
		"TMPDIR="+tmp,
		"LANG="+cmp.Or(os.Getenv("LANG"), "C.UTF-8"),
		"SPOOL_JOB_ID="+run.JobID,
		"SPOOL_ATTEMPT="+strconv.Itoa(a.number),
		"SPOOL_INPUT_DIR="+in,
		"SPOOL_RESULT="+filepath.Join(tmp, resultName),
		"SPOOL_TAGS="+s.tags,
		"SPOOL_RUNTIME_CONFIG="+s.runtimeConfig,
	)
}

// flowPath is the PATH of flows: the runner's.
func flowPath() string { return cmp.Or(os.Getenv("PATH"), "/usr/local/bin:/usr/bin:/bin") }
