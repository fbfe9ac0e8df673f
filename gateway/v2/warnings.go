package v2

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/executable"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// warnings says what will keep a job from doing what it should, as far as the
// caller may know: nothing is looked at that the caller does not reach.
func (a *API) warnings(who change.Caller, plan *events.Plan, runners []events.RunnerState) []string {
	if plan == nil {
		return nil
	}
	p := plan.Parameters
	var list []string
	if !p.Spooled && p.Options.Timezone == "" {
		list = append(list, zoneWarning(a.Zone, time.Local, time.Now())...)
	}
	if a.Drives == nil || who.Access().CheckJob(p) != nil {
		return list
	}
	drives := a.Drives.As(who.Access())
	found, in := change.Look(func() []string { return fileWarnings(drives, p, runners) })
	if !in {
		return append(list, fmt.Sprintf("the files of the job did not answer in time: is the mount of %s away?", drives.HostPath(p.InputDir)))
	}
	return append(list, found...)
}

// fileWarnings looks at the flow where a runner of this host starts it, and at the
// folder where it is watched or given to that runner.
func fileWarnings(drives *drive.Drives, p *events.Parameters, runners []events.RunnerState) (list []string) {
	host, _ := os.Hostname()
	at := slices.IndexFunc(runners, func(r events.RunnerState) bool { return !r.Direct && r.Host == host })
	if here, _ := drives.Serves(p.BinaryPath); here && at >= 0 && !p.Options.Run.Short() {
		list = append(list, binaryWarnings(drives, p.BinaryPath, runners[at], p.Options.Profiles)...)
	}
	if here, _ := drives.Serves(p.InputDir); here && (at >= 0 || p.Spooled) && !p.InputDir.Generated() {
		list = append(list, folderWarnings(drives, p.InputDir)...)
	}
	return list
}

// served says that the drive of a path is not on this host; "" when it is.
func served(drives *drive.Drives, p events.Path) string {
	dir, _ := drives.Locate(p)
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		return ""
	}
	base := drives.Base(p)
	return fmt.Sprintf("the drive %s is not served here (looked at %s): start Spool with --drive '%s=<folder>', or make that folder", base, dir, base)
}

func binaryWarnings(drives *drive.Drives, p events.Path, r events.RunnerState, profiles []string) []string {
	if why := served(drives, p); why != "" {
		return []string{"binary_path: " + why}
	}
	say := func(why string) []string { return []string{"binary_path: " + p.String() + " " + why} }
	info, err := drives.Stat(p)
	switch {
	case err != nil:
		return say(drives.Why(p, err))
	case !info.Mode().IsRegular():
		return say("is not a file")
	case info.Mode()&0o111 == 0:
		return say("is not executable: chmod +x it")
	}
	f, err := drives.OpenFile(p)
	if err != nil {
		return nil // the runner may read more than this process
	}
	defer f.Close()
	head := make([]byte, executable.HeadSize)
	n, err := io.ReadFull(f, head)
	if err != nil && n == 0 && err != io.EOF {
		return nil
	}
	machine := executable.Host{
		OS: runtime.GOOS, Arch: runtime.GOARCH, Path: filepath.SplitList(r.Path), Reads: r.ReadsWith(profiles),
		Exists: func(path string) error { _, err := os.Stat(path); return err },
	}
	if why := machine.Why(head[:n]); why != "" {
		return say(why)
	}
	return nil
}

func folderWarnings(drives *drive.Drives, p events.Path) []string {
	if why := served(drives, p); why != "" {
		return []string{"input_dir: " + why}
	}
	info, err := drives.Stat(p)
	switch {
	case err != nil:
		return []string{"input_dir: " + p.String() + " " + drives.Why(p, err)}
	case !info.IsDir():
		return []string{"input_dir: " + p.String() + " is not a folder"}
	}
	return nil
}

// zoneWarning says that a schedule without a zone does not mean the clock on the wall
// of this host: at that time, or half a year later.
func zoneWarning(zone, host *time.Location, now time.Time) []string {
	for _, at := range []time.Time{now, now.AddDate(0, 6, 0)} {
		_, ours := at.In(zone).Zone()
		if _, theirs := at.In(host).Zone(); ours != theirs {
			return []string{fmt.Sprintf("the schedule is in %s, and the clock of this host is in %s: it is %s there and %s here; set spool.timezone where another is meant",
				zone, zoneName(host, now), now.In(zone).Format("15:04"), now.In(host).Format("15:04"))}
		}
	}
	return nil
}

// zoneName is what a person calls a zone; that of the host has no name in Go.
func zoneName(zone *time.Location, now time.Time) string {
	if zone.String() != "Local" {
		return zone.String()
	}
	if link, err := os.Readlink("/etc/localtime"); err == nil {
		if _, name, ok := strings.Cut(link, "zoneinfo/"); ok {
			return name
		}
	}
	return now.In(zone).Format("MST")
}

// countedExisting bounds how many files are counted, and looked at.
const (
	countedExisting = 10_000
	visitedExisting = 50_000
)

// askExisting refuses a job that would run many files that lie there already, when it
// does not say that it is to.
func (a *API) askExisting(who change.Caller, p *events.Parameters) error {
	if a.Drives == nil || !p.Spooled || p.Options.Watch.Asked || who.Access().CheckJob(p) != nil {
		return nil
	}
	if !a.here(p.InputDir) {
		all := a.where(context.Background())
		if there, away := all.Reached(p.InputDir); len(there)+len(away) > 0 {
			return wire.Refuse(http.StatusConflict, events.Conflict, "spool.watch.existing",
				"files may lie in %s already, which cannot be counted from here: send %q to run them, or %q to mark them as seen and run only what comes later", p.InputDir, events.ExistingRun, events.ExistingMark)
		}
	}
	drives := a.Drives.As(who.Access())
	n, in := change.Look(func() int { return existing(drives, p) })
	if !in || n <= events.MaxExisting {
		return nil // of a folder that does not answer in time the state of the watch tells
	}
	count := fmt.Sprintf("%d", n)
	if n >= countedExisting {
		count += " or more"
	}
	return wire.Refuse(http.StatusConflict, events.Conflict, "spool.watch.existing",
		"%s files lie in %s already: send %q to run them, or %q to mark them as seen and run only what comes later", count, p.InputDir, events.ExistingRun, events.ExistingMark)
}

// existing counts the files that a watcher would find.
func existing(drives *drive.Drives, p *events.Parameters) (n int) {
	folder, err := drives.OpenDir(p.InputDir)
	if err != nil {
		return 0
	}
	defer folder.Close()
	visited := 0
	_ = fs.WalkDir(folder.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		visited++
		switch {
		case visited > visitedExisting || n >= countedExisting:
			return fs.SkipAll
		case path == ".":
			return err
		case err != nil:
			return nil //nolint:nilerr // what cannot be read is not counted
		case entry.IsDir() && (!p.Options.Watch.Recursive || p.Options.Watch.Ignores(path)):
			return fs.SkipDir
		case entry.Type().IsRegular() && !p.Options.Watch.Ignores(path) && p.Options.Watch.Includes(path):
			n++
		}
		return nil
	})
	return n
}
