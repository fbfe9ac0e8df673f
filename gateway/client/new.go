package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

// patience is how long a server may take to begin its answer, once it has the request.
const patience = 2 * time.Minute

// API is every call of the server.
type API = ClientWithResponses

// TokenSource gives the token of a request.
type TokenSource func(context.Context) (string, error)

// TokenText is a source that has one token. Nothing is sent as a token where it is empty.
func TokenText(text string) TokenSource {
	return func(context.Context) (string, error) { return text, nil }
}

// TokenFile is a source that reads the file anew for each request, so that a token may be
// replaced while a program runs.
func TokenFile(path string) TokenSource {
	return func(context.Context) (string, error) {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("token: %w", err)
		}
		token := strings.TrimSpace(string(text))
		if token == "" {
			return "", fmt.Errorf("token: %s is empty", path)
		}
		return token, nil
	}
}

// New gives the calls of the server whose base URL it is given, such as http://127.0.0.1:8080.
// agent names the program and its version to the server, as its User-Agent. No request is made.
func New(base string, token TokenSource, agent string) (*API, error) {
	u, err := url.Parse(base)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" {
		return nil, errors.New("url: this is not the address of a server: write it like http://127.0.0.1:8080")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = patience
	sender := &sender{token: token, agent: agent, http: http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	return NewClientWithResponses(strings.TrimRight(base, "/"), WithHTTPClient(sender))
}

// sender puts the token on each request, and makes errors of refusals.
type sender struct {
	token TokenSource
	agent string
	http  http.Client
}

func (s *sender) Do(req *http.Request) (*http.Response, error) {
	token, err := s.token(req.Context())
	if err != nil {
		return nil, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("User-Agent", s.agent)
	if err := direct(req.URL); err != nil {
		return nil, err
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 300 {
		defer resp.Body.Close()
		return nil, refusal(resp)
	}
	return resp, nil
}

// direct makes a path lead where it says. What lies on a drive, or below an output folder, is
// one parameter whose slashes stay what they are; every other, such as an id, has none: the
// server would follow it somewhere else.
func direct(u *url.URL) error {
	path, below := u.EscapedPath(), ""
	for _, of := range []string{"/api/v2/files/", "/output/"} {
		if before, rest, ok := strings.Cut(path, of); ok {
			path, below = before+of, strings.ReplaceAll(rest, "%2F", "/")
			break
		}
	}
	if strings.Contains(path, "%2F") || slices.Contains(strings.Split(path, "/"), "..") {
		return errors.New("this is no id: it has a slash in it, or is two dots")
	}
	if u.RawPath != "" {
		u.RawPath = path + below
	}
	return nil
}
