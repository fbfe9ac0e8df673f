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

	"spool.internal/events"
	"spool.internal/events/atomicfile"
	"spool.internal/events/jet"
	"spool.internal/events/wait"
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
		_, text = events.NewToken(adminUser, events.Admin, time.Now())
		if err = atomicfile.Write(file, []byte(text+"\n"), 0o600); err == nil {
			g.cfg.Log.Info("the admin token is written", "file", file)
		}
	}
	if err != nil {
		return "", false, err
	}
	for {
		err := g.revokeFormer(ctx, text)
		if err == nil {
			good, err = g.register(ctx, events.TokenOf(text, adminUser, events.Admin, time.Now()))
		}
		if err == nil {
			if !good {
				g.cfg.Log.Warn("the token in the admin's file was revoked or belongs to somebody else, and is not taken: "+
					"use another administrator's, or stop the server and run spool token reset-admin", "file", file)
			}
			return text, good, nil
		}
		g.cfg.Log.Warn("the admin token cannot be registered yet", "error", err.Error())
		if err := wait.Sleep(ctx, time.Second); err != nil {
			return "", false, err
		}
	}
}

// register stores a token unless the bucket holds it. An id that was revoked,
// or is another token's, never comes back; neither does one that has ended.
func (g *Gateway) register(ctx context.Context, t events.Token) (good bool, err error) {
	for {
		stored, found, err := g.cfg.Bus.Token(ctx, t.ID)
		if err != nil {
			return false, err
		}
		if found {
			return stored.Hash == t.Hash && stored.Role == events.Admin && !stored.Expired(t.Created), nil
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
		return "", atomicfile.Damaged(file, raw, "it holds no token", "restore it from your backup, or stop the server and run spool token reset-admin, which makes a new one")
	}
	return text, nil
}
