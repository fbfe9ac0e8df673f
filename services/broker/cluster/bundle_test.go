package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func whole() *Bundle {
	texts := map[string][]byte{}
	for _, name := range files {
		texts[name] = []byte("the text of " + name + "\n")
	}
	return New(Of{
		Name: "prod", ID: "0b9f0f5e-6a0f-4b6a-9d0e-1c1c7e9d2a11", Machine: "m1",
		Machines: []Machine{{"m1", "10.0.0.1:6222"}, {"m2", "10.0.0.2:6222"}, {"m3", "m3.example.com:6222"}},
	}, texts)
}

// What is written is read, and only its owner may.
func TestBundle(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "m1")
	want := whole()
	if err := want.Write(dir); err != nil {
		t.Fatal(err)
	}
	b, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Of, b.Of); diff != "" {
		t.Error(diff)
	}
	for _, name := range Files() {
		info, err := os.Stat(b.Path(name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
		if name != Settings && string(b.Text(name)) != "the text of "+name+"\n" {
			t.Errorf("%s holds %q", name, b.Text(name))
		}
	}
	if b.Address() != "10.0.0.1:6222" || b.NATSName() != "prod-0b9f0f5e" {
		t.Error(b.Address(), b.NATSName())
	}
}

// A bundle that is not whole is refused, with every fault and the file's name.
func TestBundleRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*testing.T, string)
		want  []string
	}{
		"no bundle":    {func(t *testing.T, dir string) { remove(t, dir, Settings) }, []string{"is not the bundle of a machine", "spool cluster init"}},
		"two missing":  {func(t *testing.T, dir string) { remove(t, dir, Keys); remove(t, dir, SealKey) }, []string{Keys, SealKey, "not whole"}},
		"an empty one": {func(t *testing.T, dir string) { put(t, dir, AdminToken, "\n") }, []string{AdminToken, "it is empty"}},
		"no JSON":      {func(t *testing.T, dir string) { put(t, dir, Settings, "{") }, []string{Settings, "which cluster"}},
		"another machine": {func(t *testing.T, dir string) {
			put(t, dir, Settings, `{"name":"Prod","id":"1","machine":"m9","machines":[{"name":"m1","address":"a"},{"name":"m1","address":"b:1"},{"name":"m2","address":"b:1"}]}`)
		}, []string{`"Prod" is not a name`, `"1" is no UUID`, `"m9" is none of the machines m1, m1, m2`, `"a" of m1 is not host:port`, "m1 is given twice", "b:1 is that of m1 and of m2"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := whole().Write(dir); err != nil {
				t.Fatal(err)
			}
			c.spoil(t, dir)
			_, err := Load(dir)
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v does not say %q", err, want)
				}
			}
		})
	}
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
