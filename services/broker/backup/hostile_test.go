package backup

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// entry is an entry of a backup that a test takes apart.
type entry struct {
	tar.Header
	text []byte
}

func unpack(t testing.TB, text []byte) (all []entry) {
	t.Helper()
	z, err := zstd.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for in := tar.NewReader(z); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, entry{*h, body})
	}
}

func pack(t testing.TB, all []entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	out := tar.NewWriter(z)
	for _, e := range all {
		if e.Typeflag == tar.TypeReg {
			e.Size = int64(len(e.text))
		}
		if err := out.WriteHeader(&e.Header); err != nil {
			t.Fatal(err)
		}
		if e.Typeflag == tar.TypeReg {
			if _, err := out.Write(e.text); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(out.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func replaced(all []entry, name, old, with string) []entry {
	out := append([]entry(nil), all...)
	for i, e := range out {
		if strings.HasPrefix(e.Name, name) {
			out[i].text = bytes.Replace(e.text, []byte(old), []byte(with), 1)
		}
	}
	return out
}

// sample makes a backup once for the tests that spoil it.
func sample(t testing.TB) []byte {
	t.Helper()
	m := newMachine(t, t.TempDir())
	m.furnish(t)
	text := take(t, m.nc, Options{Spool: "v1"})
	m.stop(t)
	return text
}

// A file that is no whole backup is refused, says why, and nothing is made of it.
func TestHostile(t *testing.T) {
	good := sample(t)
	all := unpack(t, good)
	first := func(name string) int {
		for i, e := range all {
			if strings.HasPrefix(e.Name, name) {
				return i
			}
		}
		t.Fatal("no entry " + name)
		return 0
	}
	with := func(e entry) []byte { // before the manifest
		out := append([]entry(nil), all[:len(all)-1]...)
		return pack(t, append(out, e, all[len(all)-1]))
	}
	file := func(name, text string) entry {
		return entry{tar.Header{Name: name, Mode: 0o600, Typeflag: tar.TypeReg}, []byte(text)}
	}
	for name, c := range map[string]struct {
		text []byte
		want string
	}{
		"empty":              {nil, "not a backup of Spool"},
		"something else":     {[]byte(strings.Repeat("hello world ", 100)), "not a backup of Spool"},
		"cut off":            {good[:len(good)-20], "cut off"},
		"cut in half":        {good[:len(good)/2], "cut off"},
		"without a manifest": {pack(t, all[:len(all)-1]), "cut off"},
		"a path":             {with(file("../../etc/cron.d/x", "* * * * * root true")), `"../../etc/cron.d/x" cannot be`},
		"an absolute path":   {with(file("/etc/passwd", "x")), "cannot be"},
		"a stream's path":    {with(file("streams/../1/config.json", "{}")), "cannot be"},
		"keys in the clear":  {with(file("keys/seal.key", "x")), "cannot be"},
		"a link":             {with(entry{tar.Header{Name: "streams/JOBS", Linkname: "/etc", Typeflag: tar.TypeSymlink}, nil}), "is no file"},
		"a device":           {with(entry{tar.Header{Name: "streams/JOBS", Typeflag: tar.TypeChar}, nil}), "is no file"},
		"a huge piece":       {with(file("streams/JOBS/9/000001", strings.Repeat("x", 2<<20))), "larger than can be"},
		"a huge text":        {with(file("notes.json", strings.Repeat("x", 17<<20))), "larger than can be"},
		"something behind":   {pack(t, append(append([]entry(nil), all...), file("more", "x"))), "after its manifest"},
		"a newer format":     {pack(t, replaced(all, headName, `"format":1`, `"format":2`)), "newer format (2, made by Spool \"v1\")"},
		"another head":       {pack(t, replaced(all, headName, `"spool":"v1"`, `"spool":"v2"`)), "another backup"},
		"fewer messages":     {pack(t, replaced(all, manifestName, `"messages":20`, `"messages":21`)), "its manifest says"},
		"a lost consumer":    {pack(t, replaced(all, manifestName, `"name":"BULKS","try":1`, `"name":"BULKS","try":2`)), "BULKS is not in it"},
		"a changed piece":    {pack(t, replaced(all, "streams/JOBS/1/0", "job-7", "job-8")), "it is damaged: stream JOBS"},
		"a changed checksum": {pack(t, replaced(all, manifestName, `"sha256":"`, `"sha256":"0`)), "it is damaged"},
		"a piece missing": {
			pack(t, append(append([]entry(nil), all[:first("streams/JOBS/1/0")]...), all[first("streams/JOBS/1/0")+1:]...)), "JOBS",
		},
		"twice": {with(all[first("streams/JOBS/1/config")]), "there twice"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Check(bytes.NewReader(c.text), nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v does not say %q", err, c.want)
			}
		})
	}
}

// Any bit that is flipped is noticed or changes nothing (what is compressed may be said in several ways), and any
// end that is missing is noticed.
func TestFlippedBits(t *testing.T) {
	good := sample(t)
	unpacker, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer unpacker.Close()
	unpacked, err := unpacker.DecodeAll(good, nil)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(good); at += max(1, len(good)/200) {
		bad := bytes.Clone(good)
		bad[at] ^= 1 << (at % 8)
		_, err := Check(bytes.NewReader(bad), nil)
		if same, _ := unpacker.DecodeAll(bad, nil); err == nil && !bytes.Equal(same, unpacked) {
			t.Errorf("a flipped bit at byte %d of %d is not noticed", at, len(good))
		}
		if _, err := Check(bytes.NewReader(good[:at]), nil); err == nil {
			t.Errorf("an end at byte %d of %d is not noticed", at, len(good))
		}
	}
}

// An encrypted backup opens with its key alone.
func TestWrongKeys(t *testing.T) {
	dir := t.TempDir()
	mine, other := filepath.Join(dir, "mine"), filepath.Join(dir, "other")
	put(t, mine, "correct horse battery staple\n")
	put(t, other, "incorrect horse battery staple\n")
	to, err := Recipients(nil, mine)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := newWriter(&b, to, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.putJSON(headName, Head{Format: 1, Made: time.Now(), Encrypted: true}), w.close()); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{mine: "cut off", other: "encrypted to another"} { // it has no manifest
		ids, err := Identities("", file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Check(bytes.NewReader(b.Bytes()), ids); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
	}
	for text, want := range map[string]string{"short\n": "12 characters", "two\nlines of a passphrase\n": "one line"} {
		put(t, other, text)
		if _, err := Recipients(nil, other); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := Recipients([]string{"ann@example.com"}, ""); err == nil || !strings.Contains(err.Error(), "encrypt-to: ") {
		t.Error(err)
	}
	if _, err := Identities(filepath.Join(dir, "mine"), ""); err == nil || !strings.Contains(err.Error(), "identity: ") {
		t.Error(err)
	}
}

// A backup that asks its reader for much memory is refused.
func TestBomb(t *testing.T) {
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithWindowSize(256<<20), zstd.WithSingleSegment(false))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(make([]byte, 300<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Check(bytes.NewReader(b.Bytes()), nil); err == nil || !strings.Contains(err.Error(), "memory") {
		t.Error(err)
	}
}

// FuzzCheck: whatever a file holds, it is read without a panic and makes no file.
func FuzzCheck(f *testing.F) {
	good := sample(f)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte(ageMagic + "-> X25519 x\n"))
	dir := f.TempDir()
	before, _ := os.ReadDir(dir)
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		if c, err := Check(bytes.NewReader(text), []age.Identity{key}); err == nil && len(c.Streams) == 0 && len(text) < 64 {
			t.Errorf("%q is a backup", text)
		}
		if after, _ := os.ReadDir(dir); len(after) != len(before) {
			t.Error("a file was made")
		}
	})
}

// FuzzStream: a stream of any bytes is counted or refused.
func FuzzStream(f *testing.F) {
	for _, e := range unpack(f, sample(f)) {
		if strings.HasSuffix(e.Name, "/000001") && len(e.text) < 4<<10 {
			f.Add(e.text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		tally, err := visit(bytes.NewReader(text), streamConfig, visitor{bodies: true})
		if err == nil && tally.Messages > uint64(len(text)) {
			t.Errorf("%d messages in %d bytes", tally.Messages, len(text))
		}
	})
}
