package watcher

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/watcher/stage"
)

// The folder of the stages is no link: what is removed there would be removed elsewhere.
func TestStagesBehindALink(t *testing.T) {
	root := t.TempDir()
	d, err := drive.New(t.TempDir(), []string{testDrive + "=" + root})
	if err != nil {
		t.Fatal(err)
	}
	precious := filepath.Join(root, "precious/job/"+strings.Repeat("f", stage.FingerprintLength)+"/input")
	if err := errors.Join(os.MkdirAll(precious, 0o755), os.Symlink("precious", filepath.Join(root, ".spool"))); err != nil {
		t.Fatal(err)
	}
	w := &Watcher{cfg: Config{Drives: d, Log: slog.New(slog.DiscardHandler)}, roots: map[string]events.Path{"": {Drive: testDrive, Rel: "in"}}}
	if err := w.eachDrive(func(stages *os.Root) error { return stages.RemoveAll("job") }); err == nil {
		t.Error("stages behind a link are looked after")
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}
