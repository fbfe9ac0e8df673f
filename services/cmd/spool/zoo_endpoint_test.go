//go:build linux

package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
)

// call is one run-binary call as the endpoint saw it: which file, with which content.
type call struct {
	fingerprint string
	name        string // below the input folder
	digest      string
}

// endpoint is what Spool calls in a test: it opens the folder that each call names and keeps
// what it holds. It is also what the flow of the zoo asks, in a run.
type endpoint struct {
	url  string
	dir  string // the drive on this host
	seen func() // called after every call that is new

	mu    sync.Mutex
	calls map[string][]call // by job
	held  map[string]chan struct{}
	fault []string
}

func newEndpoint(t testing.TB, dir string) *endpoint {
	j := &endpoint{dir: dir, calls: map[string][]call{}, held: map[string]chan struct{}{}}
	s := httptest.NewServer(j)
	t.Cleanup(func() {
		j.mu.Lock()
		for _, h := range j.held {
			close(h)
		}
		clear(j.held)
		j.mu.Unlock()
		s.Close()
	})
	j.url = s.URL
	return j
}

func (j *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct {
		InputDir string `json:"input_dir"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	job, err := j.take(body.InputDir)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable) // and is asked again
		return
	}
	j.mu.Lock()
	held := j.held[job]
	j.mu.Unlock()
	if held != nil {
		<-held
	}
	_, _ = fmt.Fprintf(w, `{"status":"OK","data":{"job_id":%q}}`, uuid.NewString())
}

// take looks into an input folder, given by its logical path or where it lies here.
func (j *endpoint) take(inputDir string) (job string, err error) {
	host := inputDir
	if rest, ok := strings.CutPrefix(inputDir, testDrive+"/"); ok {
		host = filepath.Join(j.dir, rest)
	}
	rel, err := filepath.Rel(filepath.Join(j.dir, ".spool"), host)
	parts := strings.Split(rel, "/")
	if err != nil || len(parts) != 2 {
		return "", j.wrong("input_dir %q is no stage", inputDir)
	}
	c := call{}
	c.fingerprint, _, _ = strings.Cut(parts[1], ".")
	files := 0
	err = filepath.WalkDir(host, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		if c.name, err = filepath.Rel(host, path); err != nil {
			return err
		}
		c.digest, err = digest(path)
		return err
	})
	if err != nil || files != 1 {
		return "", j.wrong("stage %s holds %d files (%v)", host, files, err)
	}
	j.keep(parts[0], c)
	return parts[0], nil
}

func (j *endpoint) wrong(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.fault = append(j.fault, err.Error())
	return err
}

// keep enters a call. The same call repeated is none; with other content it is.
func (j *endpoint) keep(job string, c call) {
	j.mu.Lock()
	known := slices.Contains(j.calls[job], c)
	if !known {
		j.calls[job] = append(j.calls[job], c)
	}
	j.mu.Unlock()
	if !known && j.seen != nil {
		j.seen()
	}
}

// of gives the calls of a job, in the order in which they came.
func (j *endpoint) of(job string) []call {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.calls[job])
}

// hold keeps the calls of a job waiting for their answers until release.
func (j *endpoint) hold(job string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.held[job] = make(chan struct{})
}

func (j *endpoint) release(job string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if h := j.held[job]; h != nil {
		close(h)
		delete(j.held, job)
	}
}

func (j *endpoint) holds(job string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.held[job] != nil
}

const page = 4096

// digest is a hash of a file's content that depends on nothing else, and that
// does not read its holes: over its size, and each page that is not all zero
// with its number.
func digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	h := newPageHash(info.Size())
	for at := int64(0); at < info.Size(); {
		if at, err = unix.Seek(int(f.Fd()), at, unix.SEEK_DATA); errors.Is(err, unix.ENXIO) {
			break // nothing but a hole from here on
		} else if err != nil {
			return "", err
		}
		end, err := unix.Seek(int(f.Fd()), at, unix.SEEK_HOLE)
		if err != nil {
			return "", err
		}
		at -= at % page
		in := bufio.NewReaderSize(io.NewSectionReader(f, at, end-at), 1<<20)
		for ; at < end; at += page {
			var p [page]byte
			if _, err := io.ReadFull(in, p[:]); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
				return "", err
			}
			h.add(at, p)
		}
	}
	return h.sum(), nil
}

// digestOf is the digest of a file with that content.
func digestOf(content []byte) string {
	h := newPageHash(int64(len(content)))
	for at := 0; at < len(content); at += page {
		var p [page]byte
		copy(p[:], content[at:])
		h.add(int64(at), p)
	}
	return h.sum()
}

type pageHash struct{ hash.Hash }

func newPageHash(size int64) pageHash {
	h := pageHash{sha256.New()}
	fmt.Fprintln(h, size)
	return h
}

func (h pageHash) add(at int64, p [page]byte) {
	if p != [page]byte{} {
		fmt.Fprintln(h, at)
		h.Write(p[:])
	}
}

func (h pageHash) sum() string { return hex.EncodeToString(h.Sum(nil)) }
