package drive

import (
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// kept gives the folders that lie in the data folder.
func (g *guard) kept() map[string]ident {
	all := map[string]ident{}
	entries, _ := os.ReadDir(g.data) // nothing there, nothing to keep
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if info, err := e.Info(); err == nil {
			if id, ok := identify(info); ok {
				all[e.Name()] = id
			}
		}
	}
	return all
}

// own gives the data folder and those in it that are no place for drives, as
// they were a second ago at the most.
func (g *guard) own() map[ident]bool {
	g.mu.Lock()
	own, at := g.owned, g.ownedAt
	g.mu.Unlock()
	if time.Since(at) < verdictHolds {
		return own
	}
	own, at = map[ident]bool{}, time.Now()
	if data, ok := lookAt(g.data); ok {
		own[data[0]] = true
	}
	for name, id := range g.kept() {
		if name != demoDir && name != drivesDir {
			own[id] = true
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.owned, g.ownedAt = own, at
	return own
}

// check refuses what was reached below a root: a secret under another name, and
// where mounts are on the way the data folder. plain says that none was.
func (g *guard) check(info fs.FileInfo, plain bool) error {
	id, ok := identify(info)
	switch {
	case !ok || g.data == "":
		return nil
	case info.IsDir():
		if plain {
			return nil
		}
		if g.own()[id] {
			return ErrKept
		}
		return nil
	case plain && names(info) < 2:
		return g.compare(info, g.secrets)
	}
	return g.compare(info, g.files())
}

// compare refuses a file that is one of some.
func (g *guard) compare(info fs.FileInfo, files []string) error {
	for _, file := range files {
		if secret, err := os.Stat(file); err == nil && os.SameFile(info, secret) {
			return ErrKept
		}
	}
	return nil
}

// files lists Spool's secrets, and what lies among them.
func (g *guard) files() []string {
	all := append([]string(nil), g.secrets...)
	for _, dir := range []string{g.data, filepath.Join(g.data, "nats")} {
		entries, _ := os.ReadDir(dir) // nothing there, nothing to keep
		for _, e := range entries {
			if e.Type().IsRegular() {
				all = append(all, filepath.Join(dir, e.Name()))
			}
		}
	}
	return all
}
