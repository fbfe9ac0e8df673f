package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"spool.internal/events"
	"spool.internal/events/atomicfile"
	"spool.internal/events/spelling"
)

// client calls the API of a running server.
type client struct {
	url   string
	token string
}

// remote are the flags of the commands that call a server.
type remote struct {
	url       string
	tokenFile string
	data      string
}

func (r *remote) flags(f *pflag.FlagSet) {
	f.StringVar(&r.url, "url", "http://127.0.0.1:8080", "base URL of the server's API")
	f.StringVar(&r.tokenFile, "token-file", "", "file with the API token (default DATA/admin.token)")
	f.StringVar(&r.data, "data", "spool-data", "the server's data folder, for its admin.token")
}

func (r *remote) open() (*client, error) {
	if u, err := url.Parse(r.url); err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, wrongFlag("url", "is not the address of a server: write it like http://127.0.0.1:8080")
	}
	if r.tokenFile == "" {
		r.tokenFile = filepath.Join(r.data, "admin.token")
	}
	return openClient(r.url, r.tokenFile)
}

func openClient(url, tokenFile string) (*client, error) {
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		return nil, fmt.Errorf("token-file: %w", err)
	}
	if len(bytes.TrimSpace(token)) == 0 {
		return nil, fmt.Errorf("token-file: %w", atomicfile.Damaged(tokenFile, token, "", "restore it from your backup, or stop the server and run spool token reset-admin, which makes a new admin token"))
	}
	return &client{strings.TrimRight(url, "/"), strings.TrimSpace(string(token))}, nil
}

// checkExpires refuses an --expires that the server would refuse.
func checkExpires(text string) error {
	if _, err := time.Parse(time.RFC3339, text); err == nil || text == "" {
		return nil
	}
	if _, err := spelling.Duration(text); err != nil {
		return wrongFlag("expires", "%q is neither a duration like 90m, 12h or 30d nor a time like 2027-01-31T12:00:00Z", text)
	}
	return nil
}

// call sends body as JSON and reads the answer. If the server refuses, the error is the
// server's message, from either version of the API.
func (c *client) call(ctx context.Context, method, path string, body, answer any) error {
	var payload io.Reader
	if body != nil {
		payload = bytes.NewReader(events.Encode(body))
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, payload)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	var said struct {
		Status  json.RawMessage `json:"status"`
		Msg     string          `json:"msg"`
		Message string          `json:"message"`
	}
	_ = json.Unmarshal(text, &said) // an answer may have no body
	if resp.StatusCode >= 300 || string(said.Status) == `"ERROR"` {
		if said.Msg+said.Message == "" {
			said.Msg = resp.Status
		}
		return errors.New(said.Msg + said.Message)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}
