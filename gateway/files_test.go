package gateway_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/gateway"
)

const (
	filesPath = "/api/v2/files/"
	testDrive = "admin/repo/fs/My Drive/"
)

// newDriveHarness is a harness with drives; dir is the host folder of [testDrive].
func newDriveHarness(t testing.TB, options ...option) (s *harness, dir string) {
	t.Helper()
	base := t.TempDir()
	drives, err := drive.New(base, nil)
	if err != nil {
		t.Fatal(err)
	}
	s = newHarness(t, append(options, withConfig(func(c *gateway.Config) { c.Drives = drives }))...)
	return s, filepath.Join(base, testDrive)
}

// file asks for a file of [testDrive] as the admin.
func (s *harness) file(method, name, body string, edit ...func(*http.Request)) answer {
	s.t.Helper()
	return s.send(method, filesPath+strings.ReplaceAll(testDrive, " ", "%20")+name, s.admin, body, edit...)
}

func (s *harness) putFile(name, body string) {
	s.t.Helper()
	wantCode(s.t, s.file(http.MethodPut, name, body), http.StatusNoContent)
}

func wantCode(t testing.TB, a answer, code int) {
	t.Helper()
	if a.code != code {
		t.Fatalf("answer %d %v %s; want %d", a.code, a.header, a.body, code)
	}
}

// wantProblem wants a status with the body of the native API.
func wantProblem(t testing.TB, a answer, code int, message string) {
	t.Helper()
	if a.code != code || !strings.Contains(a.field("message"), message) ||
		a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("answer %d %v %s; want %d with %q", a.code, a.header, a.body, code, message)
	}
}

func header(key, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(key, value) }
}

// left lists all that lies below a host folder, hidden files included.
func left(t testing.TB, dir string) string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if path != dir && err == nil {
			names = append(names, strings.TrimPrefix(path, dir+string(filepath.Separator)))
		}
		return nil // what goes away meanwhile is not there
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}

func TestFileThereAndBack(t *testing.T) {
	s, dir := newDriveHarness(t)
	s.putFile("in/deep/a.txt", "hello, world")
	on := filepath.Join(dir, "in/deep/a.txt")
	if got, err := os.ReadFile(on); err != nil || string(got) != "hello, world" {
		t.Fatalf("on disk: %q, %v", got, err)
	}
	whole := s.file(http.MethodGet, "in/deep/a.txt", "")
	if whole.code != http.StatusOK || string(whole.body) != "hello, world" ||
		whole.header.Get("Content-Type") != "application/octet-stream" || whole.header.Get("Content-Length") != "12" {
		t.Errorf("GET answers %d %v %s", whole.code, whole.header, whole.body)
	}
	head := s.file(http.MethodHead, "in/deep/a.txt", "")
	if head.code != http.StatusOK || len(head.body) > 0 || head.header.Get("Content-Length") != "12" ||
		head.header.Get("Etag") != whole.header.Get("Etag") || head.header.Get("Last-Modified") == "" {
		t.Errorf("HEAD answers %d %v %s", head.code, head.header, head.body)
	}
	for _, spelling := range []string{"/in//deep/./a.txt", "in/deep/a.txt/"} {
		if a := s.file(http.MethodGet, spelling, ""); string(a.body) != "hello, world" {
			t.Errorf("%s: answer %d %s", spelling, a.code, a.body)
		}
	}

	part := s.file(http.MethodGet, "in/deep/a.txt", "", header("Range", "bytes=7-"))
	if part.code != http.StatusPartialContent || string(part.body) != "world" || part.header.Get("Content-Range") != "bytes 7-11/12" {
		t.Errorf("a range answers %d %v %s", part.code, part.header, part.body)
	}
	wantProblem(t, s.file(http.MethodGet, "in/deep/a.txt", "", header("Range", "bytes=12-")), http.StatusRequestedRangeNotSatisfiable, "Range")
	tag, changed := whole.header.Get("Etag"), whole.header.Get("Last-Modified")
	wantCode(t, s.file(http.MethodGet, "in/deep/a.txt", "", header("If-None-Match", tag)), http.StatusNotModified)
	wantCode(t, s.file(http.MethodGet, "in/deep/a.txt", "", header("If-Modified-Since", changed)), http.StatusNotModified)
	wantCode(t, s.file(http.MethodGet, "in/deep/a.txt", "", header("If-Match", tag)), http.StatusOK)
	wantProblem(t, s.file(http.MethodGet, "in/deep/a.txt", "", header("If-Match", `"other"`)), http.StatusPreconditionFailed, "another")

	s.putFile("in/deep/a.txt?executable=true", "#!/bin/sh")
	if info, err := os.Stat(on); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("an executable file is %v, %v", info.Mode(), err)
	}
	s.putFile("in/deep/a.txt", "")
	if info, err := os.Stat(on); err != nil || info.Mode().Perm() != 0o644 || info.Size() != 0 {
		t.Errorf("replaced, it is %v with %d bytes, %v", info.Mode(), info.Size(), err)
	}
	wantCode(t, s.file(http.MethodGet, "in/deep/a.txt", "", header("If-None-Match", tag)), http.StatusOK)
	s.putFile("strange%0Aname%3F%23", "x")
	if a := s.file(http.MethodGet, "strange%0Aname%3F%23", ""); string(a.body) != "x" {
		t.Errorf("a strange name answers %d %s", a.code, a.body)
	}

	wantCode(t, s.file(http.MethodDelete, "in/deep/a.txt", ""), http.StatusNoContent)
	wantProblem(t, s.file(http.MethodGet, "in/deep/a.txt", ""), http.StatusNotFound, "no such file")
	wantProblem(t, s.file(http.MethodDelete, "in/deep/a.txt", ""), http.StatusNotFound, "no such file")
	wantProblem(t, s.file(http.MethodDelete, "in", ""), http.StatusConflict, "recursive=true")
	wantCode(t, s.file(http.MethodDelete, "in/deep", ""), http.StatusNoContent)
	s.putFile("in/other/b.txt", "b")
	wantCode(t, s.file(http.MethodDelete, "in?recursive=true", ""), http.StatusNoContent)
	if got := left(t, dir); got != "strange\nname?#" {
		t.Errorf("%q is left", got)
	}
}

func TestFileRoles(t *testing.T) {
	s, _ := newDriveHarness(t)
	s.putFile("a", "a")
	drive := filesPath + strings.ReplaceAll(testDrive, " ", "%20")
	for _, c := range []struct {
		role           events.Role
		put, get, gone int
	}{
		{events.Viewer, http.StatusForbidden, http.StatusOK, http.StatusForbidden},
		{events.Operator, http.StatusNoContent, http.StatusOK, http.StatusNoContent},
		{events.Admin, http.StatusNoContent, http.StatusOK, http.StatusNoContent},
		{"", http.StatusUnauthorized, http.StatusUnauthorized, http.StatusUnauthorized},
	} {
		token := ""
		if c.role != "" {
			token = s.user("u-"+string(c.role), c.role)
		}
		s.putFile("b", "b")
		wantCode(t, s.send(http.MethodPut, drive+"c", token, "c"), c.put)
		wantCode(t, s.send(http.MethodGet, drive+"a", token, ""), c.get)
		wantCode(t, s.send(http.MethodHead, drive+"a", token, ""), c.get)
		wantCode(t, s.send(http.MethodGet, drive, token, ""), c.get)
		wantCode(t, s.send(http.MethodDelete, drive+"b", token, ""), c.gone)
	}
	a := s.send(http.MethodPost, drive+"a", s.admin, "")
	wantProblem(t, a, http.StatusMethodNotAllowed, "use GET, HEAD, PUT, DELETE")
}

func TestWrongFiles(t *testing.T) {
	s, dir := newDriveHarness(t)
	secret := filepath.Join(t.TempDir(), "secret")
	s.putFile("file", "x")
	s.putFile("folder/inside", "x")
	s.putFile("full/inside", "x")
	for _, err := range []error{
		os.WriteFile(secret, []byte("secret"), 0o600),
		os.Symlink(secret, filepath.Join(dir, "out")),
		os.Symlink(filepath.Dir(secret), filepath.Join(dir, "outdir")),
		os.Symlink("loop", filepath.Join(dir, "loop")),
		os.MkdirAll(filepath.Join(dir, ".spool/job/fp/input"), 0o755),
		os.WriteFile(filepath.Join(dir, ".spool/job/fp/input/a"), nil, 0o644),
		os.WriteFile(filepath.Join(dir, ".spool-upload-X"), nil, 0o644),
		mkfifo(filepath.Join(dir, "pipe")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	before := left(t, dir)
	const get, put, del = http.MethodGet, http.MethodPut, http.MethodDelete
	for _, c := range []struct {
		name, methods, path string
		code                int
		message             string
	}{
		{"dots", "GET PUT DELETE", "folder/../file", 400, `contains ".."`},
		{"dots, encoded", "GET PUT DELETE", "folder/%2e%2e/file", 400, `contains ".."`},
		{"dots to another drive", "GET PUT DELETE", "../Other/file", 400, `contains ".."`},
		{"a slash, encoded, and dots", "GET PUT DELETE", "..%2f..%2ffile", 400, `contains ".."`},
		{"a link to a file outside", "GET", "out", 403, "leads out of its drive"},
		{"a link to a folder outside", "GET PUT DELETE", "outdir/secret", 403, "leads out of its drive"},
		{"a link to itself", "GET", "loop", 400, "symbolic links"},
		{"too long", "GET PUT DELETE", strings.Repeat("x/", 2500), 400, "at most 4096"},
		{"a name too long", "GET PUT DELETE", strings.Repeat("x", 256), 400, "longer than"},
		{"NUL", "GET PUT DELETE", "a%00b", 400, "NUL"},
		{"not UTF-8", "GET PUT DELETE", "a%FF", 400, "UTF-8"},
		{"the stages", "GET PUT DELETE", ".spool", 404, "no such file"},
		{"a staged file", "GET PUT DELETE", ".spool/job/fp/input/a", 404, "no such file"},
		{"the stages, in capitals", "GET PUT DELETE", ".SPOOL/x", 404, "no such file"},
		{"a temporary file", "GET PUT DELETE", ".spool-upload-X", 404, "no such file"},
		{"below a file", "GET PUT DELETE", "file/x", 400, "leads through a file"},
		{"far below a file", "PUT", "file/x/y/z", 400, "leads through a file"},
		{"a folder", "PUT", "folder", 409, "is a folder"},
		{"a folder with something in it", "DELETE", "full", 409, "not empty"},
		{"a pipe", "GET", "pipe", 404, "no such file"},
		{"the drive", "PUT DELETE", "", 400, "root of a drive"},
		{"nothing", "GET DELETE", "none", 404, "no such file"},
		{"a file, not a folder", "GET", "file?expect-node-type=folder", 412, "is a file, not a folder"},
		{"a folder, not a file", "GET", "folder?expect-node-type=file", 412, "is a folder, not a file"},
		{"neither", "GET", "file?expect-node-type=pipe", 400, "neither file nor folder"},
		{"an unknown key", "GET PUT DELETE", "file?page=1", 400, "unknown key"},
		{"a key misspelt", "PUT", "file?excutable=true", 400, `did you mean "executable"?`},
		{"executable, perhaps", "PUT", "x?executable=perhaps", 400, "neither true nor false"},
		{"recursive, perhaps", "DELETE", "folder?recursive=perhaps", 400, "neither true nor false"},
		{"a page too large", "GET", "folder?page_size=1001", 400, "1 to 1000"},
		{"no page", "GET", "folder?page_size=0", 400, "1 to 1000"},
		{"a strange page", "GET", "folder?page_token=%21", 400, "next_page_token"},
	} {
		for method := range strings.FieldsSeq(c.methods) {
			t.Run(c.name+" "+method, func(t *testing.T) {
				body := ""
				if method == put {
					body = "content"
				}
				wantProblem(t, s.file(method, c.path, body), c.code, c.message)
			})
		}
	}
	for name, edit := range map[string]func(*http.Request){
		"Content-Range": header("Content-Range", "bytes 0-1/2"), "If-None-Match": header("If-None-Match", `"x"`),
	} {
		wantProblem(t, s.file(put, "x", "xx", edit), 400, name)
	}
	for path, message := range map[string]string{"": "", "short": "must have the form", "a/b/c/d/e": "must have the form"} {
		if a := s.send(get, filesPath+path, s.admin, ""); message != "" {
			wantProblem(t, a, 400, message)
		} else {
			wantCode(t, a, 404)
		}
	}
	wantProblem(t, s.send(get, filesPath+"a/b/fs/None/x", s.admin, ""), 404, "no such file")
	wantProblem(t, s.send(del, filesPath+"a/b/fs/None/x", s.admin, ""), 404, "no such file")
	if after := left(t, dir); after != before {
		t.Errorf("on disk %q became %q", before, after)
	}
	// Links are taken away, not what they lead to.
	wantCode(t, s.file(del, "out", ""), http.StatusNoContent)
	wantCode(t, s.file(del, "outdir?recursive=true", ""), http.StatusNoContent)
	if got, err := os.ReadFile(secret); err != nil || string(got) != "secret" {
		t.Errorf("the secret is %q, %v", got, err)
	}
}

// HEAD does not read the file: of this size that would show.
func TestHeadOfLargeFile(t *testing.T) {
	s, dir := newDriveHarness(t)
	s.putFile("large", "x")
	if err := os.Truncate(filepath.Join(dir, "large"), 1<<42); err != nil {
		t.Fatal(err)
	}
	if a := s.file(http.MethodHead, "large", ""); a.header.Get("Content-Length") != "4398046511104" {
		t.Errorf("answer %d %v", a.code, a.header)
	}
}
