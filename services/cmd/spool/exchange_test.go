package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// adminToken is the token that the server has written into its data folder.
func (p *harness) adminToken() string {
	p.Helper()
	text, err := os.ReadFile(filepath.Join(p.data, "admin.token"))
	if err != nil {
		p.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// exchange sends one request with a token, and gives the status and the body of its answer.
func (p *harness) exchange(method, url, token string, body []byte) (int, []byte) {
	p.Helper()
	req, err := http.NewRequestWithContext(p.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		p.Fatalf("%s %s: %s: %v", method, url, resp.Status, err)
	}
	return resp.StatusCode, answer
}
