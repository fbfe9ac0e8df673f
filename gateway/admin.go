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

// adminToken gives the admin's token, which is in its file when it returns, and
// in the broker's bucket unless good is false: then it was revoked, or is not
// the admin's, and stays so. The file comes first: a start that died in between
// finds it there.
func (g *Gateway) adminToken(ctx context.Context) (text string, good bool, err error) {
	file := filepath.Join(g.cfg.DataDir, adminFile)
	text, err = readToken(file)
	if errors.Is(err, fs.ErrNotExist) {
		_, text = jet.NewToken(adminUser, jet.Admin, time.Now())
		if err = writeFile(file, text+"\n"); err == nil {
			g.cfg.Log.Info("the admin token is written", "file", file)
		}
	}
	if err != nil {
		return "", false, err
	}
	for {
		err := g.revokeFormer(ctx, text)
		if err == nil {
			good, err = g.register(ctx, jet.TokenOf(text, adminUser, jet.Admin, time.Now()))
		}
		if err == nil {
			if !good {
				g.cfg.Log.Warn("the token in the admin's file was revoked or belongs to somebody else, and is not taken: "+
					"use another administrator's, or stop the server and run spool token reset-admin", "file", file)
			}
			return text, good, nil
		}
		g.cfg.Log.Warn("the admin token cannot be registered yet", "error", err.Error())
		if err := sleep(ctx, time.Second); err != nil {
			return "", false, err
		}
	}
}

// register stores a token unless the bucket holds it. An id that was revoked,
// or is another token's, never comes back; neither does one that has ended.
func (g *Gateway) register(ctx context.Context, t jet.Token) (good bool, err error) {
	for {
		stored, found, err := g.cfg.Bus.Token(ctx, t.ID)
		if err != nil {
			return false, err
		}
		if found {
			return stored.Hash == t.Hash && stored.Role == jet.Admin && (stored.Expires.IsZero() || stored.Expires.After(t.Created)), nil
		}
		if gone, err := g.cfg.Bus.Revoked(ctx, t.ID); err != nil || gone {
			return false, err
		}
		if err = g.cfg.Bus.PutToken(ctx, t); !jet.IsConflict(err) { // another gateway's was first
			return err == nil, err
		}
	}
}

func readToken(file string) (string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the admin token: %w", err)
	}
	text := strings.TrimSpace(string(raw))
	if idOf(text) == "" {
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
