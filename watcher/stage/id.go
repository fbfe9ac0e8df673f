package stage

import (
	"strings"

	"spool.internal/events"
	"spool.internal/events/drive"
)

// ID names one stage.
type ID struct{ JobID, Fingerprint string }

// InputDir is the logical folder that holds one staged file alone.
func InputDir(base events.Path, jobID, fingerprint string) string {
	return base.Join(events.StageRoot, jobID, fingerprint, "input").String()
}

// Of returns the stage that a logical input folder is. Any caller of the runner can name such a folder, so only one of the
// exact form of a stage is accepted.
func Of(inputDir string) (ID, bool) {
	p, err := events.ParsePath("input_dir", inputDir)
	if err != nil {
		return ID{}, false
	}
	parts := strings.Split(p.Rel, "/")
	n := len(parts)
	if n < 4 || parts[n-4] != events.StageRoot || parts[n-1] != "input" || !events.IsToken(parts[n-3]) || len(parts[n-2]) != FingerprintLength {
		return ID{}, false
	}
	return ID{parts[n-3], parts[n-2]}, true
}

// FileIn returns the name of the one file of a stage, or "".
func FileIn(d *drive.Drives, stage string) string {
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
