package gateway

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"spool.internal/events/jet"
)

// The first user, and the file with its token.
const (
	adminUser = "admin"
	adminFile = "admin.token"
)

// adminToken gives the admin's token, which is in its file and in the broker's
// bucket when it returns. The file comes first: a start that died in between
// finds it there.
func (g *Gateway) adminToken(ctx context.Context) (string, error) {
	file := filepath.Join(g.cfg.DataDir, adminFile)
	text, err := readToken(file)
	if errors.Is(err, fs.ErrNotExist) {
		_, text = jet.NewToken(adminUser, jet.Admin, time.Now())
		if err = writeFile(file, text+"\n"); err == nil {
			g.cfg.Log.Info("the admin token is written", "file", file)
		}
	}
	if err != nil {
		return "", err
	}
	for {
		err := g.register(ctx, jet.TokenOf(text, adminUser, jet.Admin, time.Now()))
		if err == nil {
			return text, nil
		}
		g.cfg.Log.Warn("the admin token cannot be registered yet", "error", err.Error())
		if err := sleep(ctx, time.Second); err != nil {
			return "", err
		}
	}
}

// register stores a token unless the bucket holds it.
func (g *Gateway) register(ctx context.Context, t jet.Token) error {
	stored, found, err := g.cfg.Bus.Token(ctx, t.ID)
	if err != nil {
		return err
	}
	if found && stored.Hash == t.Hash && stored.Expires.IsZero() {
		return nil
	}
	return g.cfg.Bus.PutToken(ctx, t)
}

func readToken(file string) (string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the admin token: %w", err)
	}
	text := strings.TrimSpace(string(raw))
	if jet.TokenOf(text, adminUser, jet.Admin, time.Time{}).ID == "" {
		return "", fmt.Errorf("%s holds no token: restore it, or remove it to have a new one made", file)
	}
	return text, nil
}

// writeFile puts a secret in place, durably and whole or not at all.
func writeFile(file, text string) error {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write the admin token: %w", err)
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(file)+"-*") // readable by its owner only
	if err != nil {
		return fmt.Errorf("write the admin token: %w", err)
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error says more
		return fmt.Errorf("write the admin token: %w", err)
	}
	return syncDir(dir)
}

// syncDir makes a rename durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}
