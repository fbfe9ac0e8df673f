package watcher

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spool.internal/events"
)

// The folder of the stages is no link: what is removed there would be removed elsewhere.
func TestStagesBehindALink(t *testing.T) {
	o, root, _ := openTest(t, "mine")
	precious := filepath.Join(root, "precious/job/"+strings.Repeat("f", fingerprintLength)+"/input")
	if err := errors.Join(os.MkdirAll(precious, 0o755), os.Symlink("precious", filepath.Join(root, ".spool"))); err != nil {
		t.Fatal(err)
	}
	if _, err := stageTest(t, o, nil, true); err == nil {
		t.Error("a file is staged behind a link")
	}
	w := &Watcher{cfg: Config{Drives: o.drives, Log: slog.New(slog.DiscardHandler)}, roots: map[string]events.Path{"": {Drive: testDrive, Rel: "in"}}}
	if err := w.eachDrive(func(stages *os.Root) error { return stages.RemoveAll("job") }); err == nil {
		t.Error("stages behind a link are looked after")
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}
