package gateway_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spool.internal/events/drive"
	"spool.internal/gateway"
)

// folders is a gateway with two drives that have one folder in common.
func folders(t *testing.T) (s *harness, dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, err := range []error{
		os.MkdirAll(filepath.Join(dir, "in", "deep"), 0o755),
		os.Symlink("in", filepath.Join(dir, "link")),
		os.Symlink("in/deep", filepath.Join(dir, "deep")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	drives, err := drive.New(t.TempDir(), []string{
		"admin/repo/fs/D=" + dir, "admin/repo/fs/E=" + dir, "admin/repo/fs/Inner=" + filepath.Join(dir, "in"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return newHarness(t, withConfig(func(c *gateway.Config) { c.Drives = drives })), dir
}

func watching(in, out string) string {
	return `{"name":"w","flow_parameters":{"auth_token":"t","binary_path":"admin/repo/fs/D/flow","input_dir":"` + in +
		`","settings":{"spooled_mode":true,"output_dir":"` + out + `"}}}`
}

// leadsBack holds for both versions and for edits that an output folder is refused.
func (s *harness) leadsBack(in, out string, back bool) {
	s.t.Helper()
	const field = "flow_parameters.settings.output_dir"
	old := s.send(http.MethodPost, v1Path+"create_job", s.admin, watching(in, out))
	native := s.native(http.MethodPost, "jobs", s.admin, watching(in, out))
	j, _ := s.made(s.admin, watching(in, "admin/repo/fs/D/elsewhere"))
	edit := s.native(http.MethodPatch, "jobs/"+j.ID, s.admin, `{"flow_parameters":{"settings":{"output_dir":"`+out+`"}}}`)
	for what, a := range map[string]answer{"create_job": old, "POST": native, "PATCH": edit} {
		if got := strings.Contains(string(a.body), field) && strings.Contains(string(a.body), "results would be run again"); got != back {
			s.t.Errorf("%s, output %s of %s: %d %s", what, out, in, a.code, a.body)
		}
	}
}

func TestOutputLeadsBack(t *testing.T) {
	s, _ := folders(t)
	for _, tc := range []struct {
		in, out string
		back    bool
	}{
		{"D/in", "D/link", true},
		{"D/in", "D/link/further", true},
		{"D/in", "D/deep", true},
		{"D/in", "E/in", true},
		{"D/in", "E/link/x", true},
		{"D/in", "Inner", true},
		{"Inner/deep", "D/deep/x", true},
		{"D/link", "D/in/x", true},
		{"D/in/deep", "D/in", false},
		{"D/in", "D/inside", false},
		{"D/in", "E/out", false},
		{"Inner/deep", "D/in/deeper", false},
	} {
		s.leadsBack("admin/repo/fs/"+tc.in, "admin/repo/fs/"+tc.out, tc.back)
	}
}
