package seal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSeal(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data", "seal.key")
	k, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := k.Public.Seal("hunter2", "job-a", "/token")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(sealed, "hunter2") {
		t.Error("the box shows its secret")
	}
	again, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Open(sealed, "job-a", "/token"); got != "hunter2" || err != nil {
		t.Errorf("Open after Load = %q, %v", got, err)
	}
	other, _ := Load(filepath.Join(t.TempDir(), "seal.key"))
	for name, open := range map[string]func() (string, error){
		"another job":     func() (string, error) { return k.Open(sealed, "job-b", "/token") },
		"another place":   func() (string, error) { return k.Open(sealed, "job-a", "/headers/x") },
		"another key":     func() (string, error) { return other.Open(sealed, "job-a", "/token") },
		"a damaged box":   func() (string, error) { return k.Open(sealed[:len(sealed)-8]+"AAAAAAA=", "job-a", "/token") },
		"no box":          func() (string, error) { return k.Open("hunter2", "job-a", "/token") },
		"another's empty": func() (string, error) { return k.Open(k.Public.ID()+":", "job-a", "/token") },
	} {
		if got, err := open(); !errors.Is(err, errKey) {
			t.Errorf("%s: Open = %q, %v; want errKey", name, got, err)
		}
	}
	if fi, _ := os.Stat(file); fi.Mode().Perm() != 0o600 {
		t.Errorf("key file has mode %v", fi.Mode())
	}
	if public, err := ParsePublic(k.Public.String()); err != nil || public != k.Public {
		t.Errorf("ParsePublic(String) = %v, %v", public, err)
	}
}

// The same secret for the same place never gives the same box.
func TestBoxesDiffer(t *testing.T) {
	k, err := Load(filepath.Join(t.TempDir(), "seal.key"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range 100 {
		sealed, err := k.Public.Seal("x", "job", "/token")
		if err != nil || seen[sealed] {
			t.Fatalf("box %q again (%v)", sealed, err)
		}
		seen[sealed] = true
		if got, err := k.Open(sealed, "job", "/token"); got != "x" || err != nil {
			t.Fatalf("Open = %q, %v", got, err)
		}
	}
}
