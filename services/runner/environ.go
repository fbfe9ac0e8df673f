package runner

import (
	"os"

	"spool.internal/events"
)

// runIDVariable marks the processes of a run.
const runIDVariable = "SPOOL_RUN_ID"

// environment is all that a flow sees of the runner's: no other variable passes,
// since any may hold a secret of the runner.
func environment(run events.Run, s settings, in, out string) []string {
	inherited := func(key, def string) string {
		if v := os.Getenv(key); v != "" {
			def = v
		}
		return key + "=" + def
	}
	return []string{
		inherited("PATH", "/usr/local/bin:/usr/bin:/bin"),
		inherited("HOME", "/"),
		inherited("TMPDIR", os.TempDir()),
		inherited("LANG", "C.UTF-8"),
		"SPOOL_JOB_ID=" + run.JobID,
		runIDVariable + "=" + run.FlowJobID,
		"SPOOL_INPUT_DIR=" + in,
		"SPOOL_OUTPUT_DIR=" + out,
		"SPOOL_TAGS=" + s.tags,
		"SPOOL_RUNTIME_CONFIG=" + s.runtimeConfig,
	}
}
