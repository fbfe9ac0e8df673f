package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The .deb is installed on a copy of this machine, and started by systemd under its units.
func TestPackageUnderSystemd(t *testing.T) {
	if why := cannotBoot(); why != "" {
		t.Skip("NOT SHOWN: the units are not started: " + why)
	}
	work := t.TempDir()
	out := filepath.Join(work, "out")
	must(t, os.Mkdir(out, 0o755))
	here, err := os.Getwd()
	must(t, err)
	group := "/sys/fs/cgroup/unified"
	if _, err := os.Stat(group); err != nil {
		group = "/sys/fs/cgroup"
	}
	group = filepath.Join(group, "spool-package-test-"+strconv.Itoa(os.Getpid()))
	must(t, os.Mkdir(group, 0o755))
	t.Cleanup(func() { removeGroup(group) })
	// The shell joins the group before the namespaces are made, so that systemd is at the top of what it sees.
	boot := exec.Command("sh", "-c", `echo $$ >"$1/cgroup.procs" && shift && exec unshare --mount --pid --uts --ipc --net --cgroup --fork --kill-child=KILL "$@"`,
		"sh", group, "sh", filepath.Join(here, "boot.sh"), work, packageOf(t, "*.deb"))
	boot.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	var said strings.Builder
	boot.Stdout, boot.Stderr = &said, &said
	must(t, boot.Start())
	ended := make(chan struct{})
	go func() { _ = boot.Wait(); close(ended) }()
	stop := func() {
		_ = syscall.Kill(-boot.Process.Pid, syscall.SIGKILL)
		<-ended
	}
	defer stop()
	for status := filepath.Join(out, "status"); ; time.Sleep(100 * time.Millisecond) {
		if _, err := os.Stat(status); err == nil {
			break
		}
		select {
		case <-ended:
			t.Fatalf("systemd did not start:\n%s\n%s", said.String(), read(t, out, "log"))
		case <-t.Context().Done():
			t.Fatal("interrupted")
		default:
		}
	}
	stop()
	if got := strings.TrimSpace(read(t, out, "status")); got != "0" {
		t.Fatalf("the trial failed:\n%s\n%s\n%s", read(t, out, "dpkg.log"), read(t, out, "log"), read(t, out, "journal"))
	}
	judgeTrial(t, out)
}

func judgeTrial(t *testing.T, out string) {
	t.Helper()
	for file, wants := range map[string][]string{
		"readyz":   {`"ready":true`, `"notes":{}`}, // nothing that flows go without
		"process":  {"CapEff:\t0000000010000000", "CapBnd:\t0000000010000000", "NoNewPrivs:\t1", "Seccomp:\t2"},
		"run.log":  {"hello from a package", "/proc/self", "refused"},
		"stopped":  {"Result=success", "ExecMainStatus=0"},
		"dpkg.log": {"Setting up spool"},
	} {
		text := read(t, out, file)
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q:\n%s", file, want, text)
			}
		}
	}
	var doctor struct {
		Lines []struct{ Name, State, Means string } `json:"lines"`
	}
	text := read(t, out, "doctor.json")
	if err := json.Unmarshal([]byte(text), &doctor); err != nil && !strings.Contains(text, "keep flows in completely") {
		t.Fatalf("spool doctor: %v: %s", err, text)
	}
	if !strings.Contains(text, "This kernel and user can keep flows in completely.") {
		t.Errorf("spool doctor under the unit finds the sandbox lacking:\n%s", text)
	}
	if got := strings.Count(read(t, out, "roles"), `"ready":true`); got != 5 {
		t.Errorf("%d of 5 roles are ready under their units:\n%s\n%s", got, read(t, out, "roles"), read(t, out, "journal"))
	}
	if strings.Count(read(t, out, "roles"), `"notes":{}`) != 5 {
		t.Errorf("a role goes without something under its unit:\n%s", read(t, out, "roles"))
	}
}

// cannotBoot says why systemd cannot be started here as process 1 of namespaces of its own.
func cannotBoot() string {
	if os.Geteuid() != 0 {
		return "that takes root"
	}
	for _, program := range []string{"unshare", "dpkg", "systemctl", "systemd-sysusers", "systemd-tmpfiles", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			return "there is no " + program
		}
	}
	if _, err := os.Stat("/lib/systemd/systemd"); err != nil {
		return "there is no systemd"
	}
	if text, _ := os.ReadFile("/proc/filesystems"); !strings.Contains(string(text), "\toverlay\n") {
		return "this kernel has no overlay file system"
	}
	if text, _ := os.ReadFile("/proc/self/mountinfo"); !strings.Contains(string(text), " - cgroup2 ") {
		return "control groups of version 2 are not mounted"
	}
	return ""
}

func removeGroup(dir string) {
	for range 50 {
		_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error { return err })
		_ = exec.Command("find", dir, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";").Run()
		if _, err := os.Stat(dir); err != nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}
