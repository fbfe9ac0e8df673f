package stage_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/watcher/stage"
)

// A file in a watched folder is copied into a stage of its own.
func ExampleBatch() {
	if err := stageOne(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// admin/repo/fs/drive/.spool/job/<fingerprint>.<nonce>
	// copied: an invoice
}

func stageOne() error {
	ctx := context.Background()
	tmp, err := os.MkdirTemp("", "stage-example-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	root, data := filepath.Join(tmp, "drive"), filepath.Join(tmp, "data")
	if err := errors.Join(os.Mkdir(root, 0o755), os.Mkdir(data, 0o755)); err != nil {
		return err
	}
	drives, err := drive.New(data, []string{"admin/repo/fs/drive=" + root})
	if err != nil {
		return err
	}
	err = errors.Join(os.Mkdir(filepath.Join(root, "in"), 0o755), os.WriteFile(filepath.Join(root, "in", "a.txt"), []byte("an invoice"), 0o644))
	if err != nil {
		return err
	}

	folder, err := stage.Open(drives, events.Path{Drive: "admin/repo/fs/drive", Rel: "in"}, "", &stage.Activity{})
	if err != nil {
		return err
	}
	defer folder.Close()
	seen, err := folder.Stat("a.txt")
	if err != nil {
		return err
	}
	fingerprint := stage.Fingerprint("job", "a.txt", "", seen.Stat)

	batch := stage.NewBatch(folder, stage.Options{JobID: "job"})
	staged, err := batch.Add(ctx, stage.File{Name: "a.txt", Fingerprint: fingerprint, Stat: seen.Stat})
	if err = errors.Join(err, batch.Sync(), batch.Close()); err != nil {
		return err
	}
	name := path.Base(staged.InputDir)
	text, err := os.ReadFile(filepath.Join(root, ".spool", "job", name, "a.txt"))
	fmt.Println(stage.InputDir(folder.Base, "job", "<fingerprint>"+strings.TrimPrefix(name, fingerprint)[:1]+"<nonce>"))
	fmt.Printf("%s: %s\n", map[bool]string{true: "linked", false: "copied"}[staged.Linked], text)
	return err
}
