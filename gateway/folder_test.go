package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
)

type folderNode struct {
	Name     string `json:"name"`
	FullPath string `json:"full_path"`
	Metadata struct {
		NodeType string `json:"node_type"`
		Size     int64  `json:"size"`
		Modified int64  `json:"modified_timestamp"`
		Perms    struct {
			Read   bool `json:"can_read"`
			Write  bool `json:"can_write"`
			Delete bool `json:"can_delete"`
		} `json:"perms"`
	} `json:"metadata"`
}

type folderPage struct {
	Nodes   []folderNode `json:"nodes"`
	HasMore bool         `json:"has_more"`
	Next    string       `json:"next_page_token"`
}

func (s *harness) folder(token, name, query string) folderPage {
	s.t.Helper()
	a := s.send(http.MethodGet, filesPath+strings.ReplaceAll(testDrive, " ", "%20")+name+query, token, "")
	wantCode(s.t, a, http.StatusOK)
	var p folderPage
	if err := json.Unmarshal(a.body, &p); err != nil || a.header.Get("Content-Type") != "application/json" {
		s.t.Fatalf("%v: %v %s", err, a.header, a.body)
	}
	return p
}

func nodeNames(nodes []folderNode) []string {
	var list []string
	for _, n := range nodes {
		list = append(list, n.Name)
	}
	return list
}

func TestFolder(t *testing.T) {
	s, dir := newDriveHarness(t)
	s.putFile("b.txt", "four")
	s.putFile("a/inside", "x")
	s.putFile(".hidden", "x")
	for _, err := range []error{
		os.MkdirAll(filepath.Join(dir, ".spool/job"), 0o755),
		os.WriteFile(filepath.Join(dir, ".spool-upload-X"), nil, 0o644),
		os.Symlink("b.txt", filepath.Join(dir, "link")),
		os.Symlink("/etc", filepath.Join(dir, "outside")),
		mkfifo(filepath.Join(dir, "pipe")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	p := s.folder(s.admin, "", "?expect-node-type=folder")
	if diff := cmp.Diff([]string{".hidden", "a", "b.txt", "link"}, nodeNames(p.Nodes)); diff != "" || p.HasMore || p.Next != "" {
		t.Errorf("the drive (-want +got):\n%s has_more %v", diff, p.HasMore)
	}
	info, err := os.Stat(filepath.Join(dir, "b.txt"))
	if err != nil {
		t.Fatal(err)
	}
	want := folderNode{Name: "b.txt", FullPath: testDrive + "b.txt"}
	want.Metadata.NodeType, want.Metadata.Size, want.Metadata.Modified = "file", 4, info.ModTime().Unix()
	want.Metadata.Perms.Read, want.Metadata.Perms.Write, want.Metadata.Perms.Delete = true, true, true
	if diff := cmp.Diff(want, p.Nodes[2]); diff != "" {
		t.Errorf("a file (-want +got):\n%s", diff)
	}
	if m := p.Nodes[1].Metadata; m.NodeType != "folder" || m.Size != 0 {
		t.Errorf("a folder is %+v", m)
	}
	viewer := s.folder(s.user("eve", events.Viewer), "", "").Nodes[2].Metadata.Perms
	if !viewer.Read || viewer.Write || viewer.Delete {
		t.Errorf("a viewer's permissions are %+v", viewer)
	}
	head := s.file(http.MethodHead, "a", "")
	if head.code != http.StatusOK || head.header.Get("Content-Type") != "application/json" || len(head.body) > 0 {
		t.Errorf("HEAD of a folder answers %d %v", head.code, head.header)
	}
	if p := s.folder(s.admin, "a", ""); len(p.Nodes) != 1 {
		t.Errorf("a folder with one file is %+v", p)
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	if a := s.file(http.MethodGet, "empty", ""); strings.TrimSpace(string(a.body)) != `{"nodes":[],"has_more":false}` {
		t.Errorf("an empty folder is %s", a.body)
	}
}

// Every page ends where the next begins, in one order, whatever the size of
// the folder, and whatever comes and goes between two pages.
func TestFolderPages(t *testing.T) {
	s, dir := newDriveHarness(t)
	if err := os.MkdirAll(filepath.Join(dir, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range 6000 {
		want = append(want, fmt.Sprintf("file %d é", i*7919%6000))
		if err := os.WriteFile(filepath.Join(dir, "in", want[i]), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(want)
	all := func(size int, between func(page int)) (got []string) {
		token := ""
		for n := 0; ; n++ {
			p := s.folder(s.admin, "in", fmt.Sprintf("?page_size=%d&page_token=%s", size, url.QueryEscape(token)))
			if got = append(got, nodeNames(p.Nodes)...); !p.HasMore {
				return got
			}
			if len(p.Nodes) != size {
				t.Fatalf("page %d has %d entries", n, len(p.Nodes))
			}
			token = p.Next
			between(n)
		}
	}
	for _, size := range []int{1000, 999, 700} {
		if diff := cmp.Diff(want, all(size, func(int) {})); diff != "" {
			t.Errorf("pages of %d (-want +got):\n%s", size, diff)
		}
	}
	if p := s.folder(s.admin, "in", ""); len(p.Nodes) != 100 {
		t.Errorf("a page has %d entries unless one says otherwise", len(p.Nodes))
	}
	got := all(1000, func(page int) {
		for _, err := range []error{
			os.Remove(filepath.Join(dir, "in", want[page*1000+999])), // the one that the token names
			os.WriteFile(filepath.Join(dir, "in", fmt.Sprintf("a%d", page)), nil, 0o644),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("with changes meanwhile (-want +got):\n%s", diff)
	}
}
