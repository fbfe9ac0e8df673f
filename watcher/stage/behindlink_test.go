package stage

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The folder of the stages is no link: what is written there would be written elsewhere.
func TestStagesBehindALink(t *testing.T) {
	o, root, _ := openTest(t, "mine")
	precious := filepath.Join(root, "precious/job/"+strings.Repeat("f", FingerprintLength)+"/input")
	if err := errors.Join(os.MkdirAll(precious, 0o755), os.Symlink("precious", filepath.Join(root, ".spool"))); err != nil {
		t.Fatal(err)
	}
	if _, _, err := stageTest(t, o, nil); err == nil {
		t.Error("a file is staged behind a link")
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}
