package gateway_test

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spool.internal/events"
)

// A trigger is cancelled before its call by the first event of the run that it would start; a
// run by the runner that has it, or by any of its pool while it waits.
func TestCancel(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.admin, body{}.String())
	post := func(id string) answer {
		return s.native(http.MethodPost, "results/"+id+"/cancel", s.admin, "")
	}
	waiting := s.triggered(j.ID, s.admin)
	for range 2 {
		a := into[story](t, post(waiting), http.StatusAccepted)
		if a.Outcome != "waiting" || !strings.Contains(a.Why, "cancelled by admin") || a.steps() != "triggered, cancelling" {
			t.Errorf("cancelled before its call: %+v", a)
		}
	}
	flow := events.FlowJobID("admin", waiting)
	if last, _, err := s.bus.LastRunEvent(t.Context(), j.ID, flow); err != nil || last.Phase != events.Cancelling || last.Attempt != 0 || last.TriggerID != waiting {
		t.Errorf("%+v, %v", last, err)
	}
	x := s.executed(j.ID, "admin", events.OK)
	s.phase(x.event(events.Accepted, 0))
	wantProblem(t, post(x.id), http.StatusConflict, "the endpoint is not the built-in runner")
	if _, _, err := s.bus.AcceptRun(t.Context(), "default", events.Run{FlowJobID: x.flow, JobID: j.ID, TriggerID: x.id, Owner: "admin"}); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, post(x.id), http.StatusServiceUnavailable, "no runner of the pool default answers")
	s.begin(x, "r1")
	wantProblem(t, post(x.id), http.StatusServiceUnavailable, "the runner on mill, which has the run, does not answer: nothing was cancelled")
	m, _ := s.newMill("r1")
	if a := into[story](t, post(x.id), http.StatusAccepted); a.Outcome != "running" {
		t.Errorf("asked to end: %+v", a)
	}
	if got := m.cancelled[0]; got != x.flow+" by admin" {
		t.Errorf("the runner was asked %q", got)
	}
	s.finish(x, events.ERROR, "cancelled by admin")
	for range 2 {
		if a := into[story](t, post(x.id), http.StatusOK); a.Outcome != "cancelled" {
			t.Errorf("it has ended: %+v", a)
		}
	}
	done := s.executed(j.ID, "admin", events.OK)
	s.begin(done, "r1")
	s.finish(done, events.OK, "")
	wantProblem(t, post(done.id), http.StatusConflict, "has ended already")
	limited, text := events.NewToken("admin", events.Operator, done.at)
	limited.Paths = []string{"admin/elsewhere/"}
	s.enter(limited, text)
	wantProblem(t, s.native(http.MethodPost, "results/"+waiting+"/cancel", text, ""), http.StatusForbidden, "outside what this token reaches")
}

type listedOutput struct {
	Folder string `json:"output_folder"`
	Files  []struct {
		Path string
		Size int64
	}
	More bool
	Next string `json:"next_page_token"`
}

// unzip reads an archive.
func unzip(t *testing.T, text []byte) (all string) {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all += f.Name + "=" + string(content) + " "
	}
	return all
}

// What a run has written comes from the drive where the gateway has it, and from its runner
// otherwise, in the same words.
func TestOutput(t *testing.T) {
	for name, drives := range map[string]bool{"from the drive": true, "through the runner": false} {
		t.Run(name, func(t *testing.T) {
			var s *harness
			base := ""
			if drives {
				var dir string
				s, dir = newDriveHarness(t)
				base = strings.TrimSuffix(dir, filepath.Clean(testDrive))
			} else {
				s = newHarness(t)
			}
			j, _ := s.made(s.admin, body{}.String())
			x := s.executed(j.ID, "admin", events.OK)
			m, stop := s.newMill("r1")
			s.begin(x, "r1")
			own := "admin/repo/fs/Drive/out/20261119-013000-" + x.flow
			ended := x.event(events.Ended, 0)
			ended.OutputFolder, ended.Status, ended.StartedAt, ended.Attempt = own, events.OK, x.at, 1
			s.phase(ended)
			m.files = map[string]string{"a.txt": "one", "b/c.txt": "two", "d.txt": "three"}
			if drives {
				if err := stop(); err != nil {
					t.Error(err)
				}
				for name, text := range m.files {
					file := filepath.Join(base, own, name)
					if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				if err := os.Symlink("/etc/passwd", filepath.Join(base, own, "link")); err != nil {
					t.Fatal(err)
				}
			}
			path := "results/" + x.id + "/output"
			var names []string
			for next, pages := "", 0; pages == 0 || next != ""; pages++ {
				page := into[listedOutput](t, s.native(http.MethodGet, path+"?limit=2&page_token="+next, s.admin, ""), http.StatusOK)
				for _, f := range page.Files {
					names = append(names, f.Path)
				}
				if next = page.Next; page.Folder != own || page.More {
					t.Errorf("%+v", page)
				}
			}
			if got := strings.Join(names, " "); got != "a.txt b/c.txt d.txt" {
				t.Errorf("listed %s", got)
			}
			a := s.native(http.MethodGet, path+"/b/c.txt", s.admin, "")
			if wantCode(t, a, http.StatusOK); string(a.body) != "two" || a.header.Get("Content-Disposition") != "attachment; filename=c.txt" || a.header.Get("Content-Security-Policy") != "sandbox" {
				t.Errorf("%s %v", a.body, a.header)
			}
			a = s.native(http.MethodGet, path+"/d.txt", s.admin, "", "Range", "bytes=1-2")
			if wantCode(t, a, http.StatusPartialContent); string(a.body) != "hr" {
				t.Errorf("a range: %s", a.body)
			}
			if a := s.native(http.MethodHead, path+"/d.txt", s.admin, ""); a.code != http.StatusOK || a.header.Get("Content-Length") != "5" {
				t.Errorf("HEAD: %d %v", a.code, a.header)
			}
			wantCode(t, s.native(http.MethodHead, path, s.admin, ""), http.StatusOK)
			for file, code := range map[string]int{"/none": 404, "/link": 404, "/b": 404, "/b/../a.txt": 400, "/%2e%2e/x": 404, "/.spool/x": 404, "/a.txt/x": 404} {
				if a := s.native(http.MethodGet, path+file, s.admin, ""); a.code != code && !(file == "/a.txt/x" && a.code == 403) {
					t.Errorf("%s: %d %s", file, a.code, a.body)
				}
			}
			a = s.native(http.MethodGet, path+"?format=zip", s.admin, "")
			if wantCode(t, a, http.StatusOK); unzip(t, a.body) != "a.txt=one b/c.txt=two d.txt=three " || a.header.Get("Content-Type") != "application/zip" {
				t.Errorf("%s %v", unzip(t, a.body), a.header)
			}
			wantProblem(t, s.native(http.MethodGet, path+"?format=tar", s.admin, ""), http.StatusBadRequest, "format")
			wantProblem(t, s.native(http.MethodGet, path+"?page_token=%21", s.admin, ""), http.StatusBadRequest, "page_token")
			if !drives {
				if err := stop(); err != nil {
					t.Error(err)
				}
				wantProblem(t, s.native(http.MethodGet, path, s.admin, ""), http.StatusServiceUnavailable, "the runner on mill does not answer")
			}
		})
	}
}

// Of a folder that runs share, a run has what it named when it ended, and nothing else.
func TestOutputOfASharedFolder(t *testing.T) {
	s, dir := newDriveHarness(t)
	base := strings.TrimSuffix(dir, filepath.Clean(testDrive))
	j, _ := s.made(s.admin, body{}.String())
	x := s.executed(j.ID, "admin", events.OK)
	s.begin(x, "r1")
	ended := x.event(events.Ended, 0)
	ended.Status, ended.StartedAt, ended.Attempt = events.OK, x.at, 1
	ended.Outputs, ended.OutputCount = []events.Output{{Path: "mine.txt", Size: 4}}, new(2)
	s.phase(ended)
	for _, name := range []string{"mine.txt", "other.txt"} {
		file := filepath.Join(base, ended.OutputFolder, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("text"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	path := "results/" + x.id + "/output"
	page := into[listedOutput](t, s.native(http.MethodGet, path, s.admin, ""), http.StatusOK)
	if len(page.Files) != 1 || page.Files[0].Path != "mine.txt" || !page.More {
		t.Errorf("%+v", page)
	}
	wantCode(t, s.native(http.MethodGet, path+"/mine.txt", s.admin, ""), http.StatusOK)
	wantProblem(t, s.native(http.MethodGet, path+"/other.txt", s.admin, ""), http.StatusNotFound, "no such file")
	a := s.native(http.MethodGet, path+"?format=zip", s.admin, "")
	if wantCode(t, a, http.StatusOK); unzip(t, a.body) != "mine.txt=text " {
		t.Errorf("%s", unzip(t, a.body))
	}
}
