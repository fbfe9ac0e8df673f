package runner

import (
	"log/slog"
	"os"
	"path/filepath"

	"spool.internal/events/drive"
	"spool.internal/services/runner/process"
)

// HostLacks tells what flows could not be kept from on this host, and what each takes: for
// who asks without a runner. It starts a process that looks.
func HostLacks() ([]string, error) {
	dir, err := os.MkdirTemp("", "spool-look-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	from, err := process.New(dir)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	drives, err := drive.New(filepath.Join(dir, "drives"), nil)
	if err != nil {
		return nil, err
	}
	cfg := Config{DataDir: dir, Drives: drives, Sandbox: SandboxAuto, Log: slog.New(slog.DiscardHandler)}.withDefaults()
	_, lacks, err := commonRoom(cfg, from)
	return lacks, err
}
