package gateway_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestOutputLeadsBackByMount(t *testing.T) {
	s, dir := folders(t)
	at := filepath.Join(dir, "mounted")
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount(filepath.Join(dir, "in", "deep"), at, "", syscall.MS_BIND, ""); err != nil {
		t.Skipf("this process may not mount: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(at, syscall.MNT_DETACH) })
	s.leadsBack("admin/repo/fs/D/in", "admin/repo/fs/D/mounted", true)
	s.leadsBack("admin/repo/fs/E/mounted", "admin/repo/fs/D/in/deep/x", true)
	s.leadsBack("admin/repo/fs/D/mounted", "admin/repo/fs/D/in", false)
}
