package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"spool.internal/events"
	"spool.internal/events/atomicfile"
)

// client calls the API of a running server.
type client struct {
	url   string
	token string
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
