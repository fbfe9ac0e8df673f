package watcher

import (
	"strings"

	"spool.internal/events"
	"spool.internal/events/drive"
)

// stageID names one stage.
type stageID struct{ jobID, fingerprint string }

// inputDir is the logical folder that holds one staged file alone.
func inputDir(base events.Path, jobID, fingerprint string) string {
	return base.Join(events.StageRoot, jobID, fingerprint, "input").String()
}

// stageOf finds the stage that a logical input folder is. Whoever calls the
// runner names the folder: what is no stage by its form is none.
func stageOf(inputDir string) (stageID, bool) {
	p, err := events.ParsePath("input_dir", inputDir)
	if err != nil {
		return stageID{}, false
	}
	parts := strings.Split(p.Rel, "/")
	n := len(parts)
	if n < 4 || parts[n-4] != events.StageRoot || parts[n-1] != "input" || !events.IsToken(parts[n-3]) || len(parts[n-2]) != fingerprintLength {
		return stageID{}, false
	}
	return stageID{parts[n-3], parts[n-2]}, true
}

// stagedName gives the name of the one file of a stage, or "".
func stagedName(d *drive.Drives, stage string) string {
	p, err := events.ParsePath("input_dir", stage)
	if err != nil {
		return ""
	}
	root, err := d.OpenDir(p)
	if err != nil {
		return ""
	}
	defer root.Close() //nolint:errcheck // was only read
	dir, err := root.Open(".")
	if err != nil {
		return ""
	}
	defer dir.Close() //nolint:errcheck // was only read
	if names, err := dir.Readdirnames(2); err == nil && len(names) == 1 {
		return names[0]
	}
	return ""
}
