package gateway_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/gateway"
)

type listedDrive struct {
	Path, From, By, Problem string
	Host                    string `json:"host_folder"`
	Writable                bool
	Reaches                 []string
	Free                    int64 `json:"free_bytes"`
	Total                   int64 `json:"total_bytes"`
}

const ownDrive = "ann/r/fs/Own"

func (s *harness) drives(token string) (all []listedDrive) {
	s.t.Helper()
	for next := "?limit=2"; next != ""; {
		page := into[struct {
			Drives []listedDrive
			Next   string `json:"next_page_token"`
		}](s.t, s.native(http.MethodGet, "drives"+next, token, ""), http.StatusOK)
		all = append(all, page.Drives...)
		if next = ""; page.Next != "" {
			next = "?limit=2&page_token=" + page.Next
		}
	}
	return all
}

func drivePaths(all []listedDrive) string {
	var paths []string
	for _, d := range all {
		paths = append(paths, d.Path)
	}
	return strings.Join(paths, " ")
}

func TestDrives(t *testing.T) {
	base, host, gone := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "gone")
	for _, dir := range []string{"ann/r/fs/Home", "ann/r/fs/Work", "bob/r/fs/Home", "bob/r/nofs/x", "bob/r/fs/.spool"} {
		if err := os.MkdirAll(filepath.Join(base, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(host, filepath.Join(base, "bob/r/fs/Link")); err != nil {
		t.Fatal(err)
	}
	drives, err := drive.New(base, []string{"nas/r/fs/In=" + host, "nas/r/fs/Off=" + gone})
	if err != nil {
		t.Fatal(err)
	}
	s := newHarness(t, withConfig(func(c *gateway.Config) { c.Drives = drives }))
	job := events.HostPath("ann", host+"/scans")
	if err := s.bus.PutDrive(t.Context(), events.HostDrive{Path: job.String(), Host: host + "/scans", By: "ann", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(host+"/scans", 0o755); err != nil {
		t.Fatal(err)
	}
	all := s.drives(s.admin)
	if got, want := drivePaths(all), job.String()+" ann/r/fs/Home ann/r/fs/Work bob/r/fs/Home nas/r/fs/In nas/r/fs/Off"; got != want {
		t.Fatalf("an administrator's are %s, want %s", got, want)
	}
	for i, want := range []listedDrive{{From: "job", Host: host + "/scans", By: "ann", Writable: true}, {From: "drives", Host: filepath.Join(base, "ann/r/fs/Home"), Writable: true}} {
		got := all[i]
		if got.From != want.From || got.Host != want.Host || got.By != want.By || got.Writable != want.Writable || got.Free <= 0 || got.Total < got.Free || got.Problem != "" {
			t.Errorf("%+v; want %+v", got, want)
		}
	}
	if off := all[5]; off.Problem == "" || off.Writable || strings.Contains(off.Problem, gone) {
		t.Errorf("a folder that is not there: %+v", off)
	}

	// Others get those on which they reach something, and no folder of the host.
	part := s.newToken(`{"owner":"eve","role":"operator","paths":["ann/r/fs/Home/in","nas/"]}`)
	a := s.native(http.MethodGet, "drives", part.Token, "")
	mine := s.drives(part.Token)
	if got := drivePaths(mine); got != "ann/r/fs/Home nas/r/fs/In nas/r/fs/Off" || strings.Contains(string(a.body), host) || strings.Contains(string(a.body), base) {
		t.Errorf("eve's are %s: %s", got, a.body)
	}
	if !slices.Equal(mine[0].Reaches, []string{"ann/r/fs/Home/in/"}) || len(mine[1].Reaches) > 0 || !mine[1].Writable {
		t.Errorf("eve reaches %+v", mine)
	}
	view := s.newToken(`{"owner":"bob","role":"viewer"}`)
	if got := s.drives(view.Token); drivePaths(got) != "bob/r/fs/Home" || got[0].Writable {
		t.Errorf("a viewer's are %+v", got)
	}
	none := s.newToken(`{"owner":"new","role":"viewer"}`)
	if got := s.drives(none.Token); len(got) != 0 {
		t.Errorf("somebody's who has none are %+v", got)
	}
}

// Of several clients that keep both each file gets a name of its own, and none is lost.
func TestKeepBoth(t *testing.T) {
	s, dir := newDriveHarness(t)
	const n = 20
	put := func(query, text string) answer {
		return s.send(http.MethodPut, "/api/v2/files/"+ownDrive+"/in/report.pdf"+query, s.admin, text)
	}
	wantCode(t, put("", "first"), http.StatusNoContent)
	var mu sync.Mutex
	paths := map[string]string{}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			text := fmt.Sprint("content ", i)
			a := put("?rename=keep-both", text)
			v := into[struct {
				Path    string
				Renamed bool
			}](t, a, http.StatusCreated)
			if at, err := url.PathUnescape(a.header.Get("Location")); err != nil || !v.Renamed || at != "/api/v2/files/"+v.Path {
				t.Errorf("answer %v %s", a.header, a.body)
			}
			mu.Lock()
			defer mu.Unlock()
			paths[v.Path] = text
		})
	}
	wg.Wait()
	if len(paths) != n {
		t.Fatalf("%d files got %d names", n, len(paths))
	}
	for i := range n {
		name := fmt.Sprintf("report (%d).pdf", i+2)
		text, err := os.ReadFile(filepath.Join(dir, "../../../..", filepath.FromSlash(ownDrive), "in", name))
		if err != nil || string(text) != paths[ownDrive+"/in/"+name] {
			t.Errorf("%s has %q, %v; want %q", name, text, err, paths[ownDrive+"/in/"+name])
		}
	}
	if a := s.send(http.MethodPut, "/api/v2/files/"+ownDrive+"/new/a?rename=keep-both", s.admin, "x"); a.code != http.StatusCreated || strings.Contains(string(a.body), "true") {
		t.Errorf("a name that is free: %d %s", a.code, a.body)
	}
	wantProblem(t, put("?rename=other", "x"), http.StatusBadRequest, "rename: ")
	r := s.send(http.MethodPut, "/api/v2/files/"+ownDrive+"/in/report.pdf?rename=keep-both", s.admin, "x", header("If-None-Match", "*"))
	wantProblem(t, r, http.StatusBadRequest, "exclude each other")
}

// A file is stored by a browser and never shown as a page of this server.
func TestFilesAreAttachments(t *testing.T) {
	s, _ := newDriveHarness(t)
	path := "/api/v2/files/" + ownDrive + "/x.html"
	wantCode(t, s.send(http.MethodPut, path, s.admin, "<script>alert(1)</script>"), http.StatusNoContent)
	for _, a := range []answer{s.send(http.MethodGet, path, s.admin, ""), s.send(http.MethodHead, path, s.admin, ""), s.send(http.MethodGet, path, s.admin, "", header("Range", "bytes=0-3"))} {
		if h := a.header; a.code/100 != 2 || h.Get("Content-Disposition") != "attachment; filename=x.html" || h.Get("X-Content-Type-Options") != "nosniff" ||
			h.Get("Content-Security-Policy") != "sandbox" || h.Get("Content-Type") != "application/octet-stream" {
			t.Errorf("answer %d %v", a.code, h)
		}
	}
	if h := s.send(http.MethodGet, "/api/v2/files/"+ownDrive, s.admin, "").header; h.Get("Content-Disposition") != "" {
		t.Errorf("a folder is an attachment: %v", h)
	}
}
