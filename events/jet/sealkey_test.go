package jet_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spool.internal/events/eventstest"
)

func TestSealKeyOfTheStore(t *testing.T) {
	b := eventstest.Bus(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "seal.key")
	first, err := b.OpenSealKey(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.OpenSealKey(t.Context(), file)
	if err != nil || again.Public != first.Public {
		t.Fatalf("the same key again: %v", err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := b.OpenSealKey(t.Context(), file); err == nil || !strings.Contains(err.Error(), first.Public.ID()) {
		t.Errorf("a missing key: %v", err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a missing key was replaced by a new one")
	}
	other := eventstest.Bus(t)
	if _, err := other.OpenSealKey(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	if _, err := b.OpenSealKey(t.Context(), file); err == nil || !strings.Contains(err.Error(), "restore that key") {
		t.Errorf("another store's key: %v", err)
	}
	if err := os.WriteFile(file, text[:20], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := b.OpenSealKey(t.Context(), file); err == nil || !strings.Contains(err.Error(), "holds no seal key") {
		t.Errorf("a damaged key: %v", err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := b.OpenSealKey(t.Context(), file); err != nil {
		t.Errorf("the right key, restored: %v", err)
	}
}
