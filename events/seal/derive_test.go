package seal

import (
	"path/filepath"
	"testing"
)

// Two who know the same secret open each other's; nobody else does, and not for another run.
func TestForRuns(t *testing.T) {
	file := filepath.Join(t.TempDir(), "seal.key")
	key, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	one, err := key.ForRuns()
	if err != nil {
		t.Fatal(err)
	}
	same, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := same.ForRuns()
	shared, _ := ForRunsOf("the secret of dispatcher and runner")
	closed := one.Close("value", "run", "NAME")
	if got, err := again.Open(closed, "run", "NAME"); got != "value" || err != nil {
		t.Errorf("the same key opens %q, %v", got, err)
	}
	for name, open := range map[string]func() (string, error){
		"another run":  func() (string, error) { return again.Open(closed, "other", "NAME") },
		"another name": func() (string, error) { return again.Open(closed, "run", "OTHER") },
		"another key":  func() (string, error) { return shared.Open(closed, "run", "NAME") },
	} {
		if got, err := open(); err == nil {
			t.Errorf("%s opens it: %q", name, got)
		}
	}
}
