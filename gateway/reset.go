package gateway

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/atomicfile"
)

// formerFile names tokens, one id a line, that a reset has replaced: the next
// start revokes them. It is there before the new token, and gone when that is done.
const formerFile = "admin.token.former"

// ResetAdmin puts a new admin token into the data folder of a server that is
// stopped, and gives its file. The next start takes it in, and revokes the one
// that was in its place.
func ResetAdmin(dataDir string) (file string, err error) {
	_, text := events.NewToken(adminUser, events.Admin, time.Now())
	return SetAdmin(dataDir, text)
}

// SetAdmin is ResetAdmin with a token that is known, such as that of a bundle. One that is
// there already changes nothing.
func SetAdmin(dataDir, text string) (file string, err error) {
	file = filepath.Join(dataDir, adminFile)
	raw, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the admin token: %w", err)
	}
	if strings.TrimSpace(string(raw)) == text {
		return file, nil
	}
	if id := idOf(strings.TrimSpace(string(raw))); id != "" {
		former, err := readFormer(dataDir)
		if err != nil {
			return "", err
		}
		if err := atomicfile.Write(filepath.Join(dataDir, formerFile), []byte(strings.Join(append(former, id), "\n")+"\n"), 0o600); err != nil {
			return "", err
		}
	}
	return file, atomicfile.Write(file, []byte(text+"\n"), 0o600)
}

// idOf is the id of a token, "" when the text is none.
func idOf(text string) string {
	id := events.TokenID(text)
	if !events.IsToken(id) || strings.HasPrefix(id, "_") { // what begins so is no token
		return ""
	}
	return id
}

func readFormer(dataDir string) ([]string, error) {
	raw, err := os.ReadFile(filepath.Join(dataDir, formerFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the former admin tokens: %w", err)
	}
	former := strings.Fields(string(raw))
	if err == nil && (len(former) == 0 || slices.ContainsFunc(former, func(id string) bool { return !events.IsToken(id) })) {
		return nil, atomicfile.Damaged(filepath.Join(dataDir, formerFile), raw, "it holds no ids of tokens",
			"restore it from your backup, or remove it and revoke the admin token of before by spool token revoke")
	}
	return former, nil
}

// revokeFormer revokes what resets have replaced; a reset that was cut off
// before the new token has replaced nothing.
func (g *Gateway) revokeFormer(ctx context.Context, now string) error {
	former, err := readFormer(g.cfg.DataDir)
	if err != nil || len(former) == 0 {
		return err
	}
	for _, id := range former {
		if id == idOf(now) {
			continue
		}
		if _, err := g.cfg.Bus.DropToken(ctx, events.Token{ID: id}); err != nil {
			return err
		}
		g.cfg.Log.Info("the former admin token is revoked", "token_id", id)
	}
	if err := os.Remove(filepath.Join(g.cfg.DataDir, formerFile)); err != nil {
		return fmt.Errorf("forget the former admin tokens: %w", err)
	}
	return nil
}
