package stage

import (
	"strings"

	"spool.internal/events"
	"spool.internal/events/drive"
)

// ID names one stage.
type ID struct {
	JobID  string
	Folder string // below that of the job: the fingerprint of the file, and what tells it from other attempts
}

// nonceMark ends the fingerprint in the name of a stage. In those of former releases nothing follows it, and the file
// lies one folder deeper, in [inner].
const (
	nonceMark = "."
	inner     = "input"
)

// FingerprintOf gives the fingerprint of the file in a stage; ok is false for what is no stage.
func FingerprintOf(folder string) (fingerprint string, ok bool) {
	fingerprint, nonce, marked := strings.Cut(folder, nonceMark)
	return fingerprint, len(fingerprint) == FingerprintLength && events.IsToken(fingerprint) && events.IsToken(nonce) == marked
}

// Within gives the folder of a stage in which its file lies alone.
func Within(folder string) string {
	if strings.Contains(folder, nonceMark) {
		return folder
	}
	return folder + "/" + inner
}

// InputDir is the logical folder that holds one staged file alone.
func InputDir(base events.Path, jobID, folder string) string {
	return base.Join(events.StageRoot, jobID, Within(folder)).String()
}

// Of returns the stage that a logical input folder is. Any caller of the runner can name such a folder, so only one of the
// exact form of a stage is accepted.
func Of(inputDir string) (ID, bool) {
	p, err := events.ParsePath("input_dir", inputDir)
	if err != nil {
		return ID{}, false
	}
	parts := strings.Split(p.Rel, "/")
	for n := range parts {
		if parts[n] != events.StageRoot || n+2 >= len(parts) {
			continue
		}
		id := ID{parts[n+1], parts[n+2]}
		_, ok := FingerprintOf(id.Folder)
		return id, ok && events.IsToken(id.JobID) && strings.Join(parts[n+2:], "/") == Within(id.Folder)
	}
	return ID{}, false
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
