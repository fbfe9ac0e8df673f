package janitor

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

const testDrive = "admin/repo/fs/drive"

// oneDrive is a watcher with one drive, and no job.
type oneDrive struct{}

func (oneDrive) Known() <-chan struct{}      { return nil }
func (oneDrive) Drives() []events.Path       { return []events.Path{{Drive: testDrive, Rel: "in"}} }
func (oneDrive) Readable() map[string]Folder { return nil }
func (oneDrive) Watches(string) bool         { return false }

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
	j := New(Config{Drives: d, Log: slog.New(slog.DiscardHandler), Jobs: oneDrive{}})
	if err := j.eachDrive(func(stages *os.Root) error { return stages.RemoveAll("job") }); err == nil {
		t.Error("stages behind a link are looked after")
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}
