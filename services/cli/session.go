package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/gateway/client"
)

// session is what a command has while it runs.
type session struct {
	*client.API
	server server

	cmd *cobra.Command
	in  io.Reader // where the person types
	out *printer  // stdout
	err io.Writer // stderr: progress, questions, notes
}

// verb makes a command out of what it does: it gets the flags of the connection and of the
// output, and a session.
func verb(cmd *cobra.Command, run func(context.Context, *session, []string) error) *cobra.Command {
	var r remote
	p := &printer{}
	r.declare(cmd.Flags())
	p.declare(cmd.Flags())
	finish(cmd, p.check, func(cmd *cobra.Command, args []string) error {
		at, err := r.find()
		if err != nil {
			return err
		}
		s, err := open(cmd, at, p)
		if err != nil {
			return err
		}
		return s.explain(run(cmd.Context(), s, args))
	})
	return cmd
}

// offline makes a command that asks no server; its session has none.
func offline(cmd *cobra.Command, run func(context.Context, *session, []string) error) *cobra.Command {
	p := &printer{}
	p.declare(cmd.Flags())
	finish(cmd, p.check, func(cmd *cobra.Command, args []string) error {
		return run(cmd.Context(), newSession(cmd, p), args)
	})
	return cmd
}

// finish sets what runs, after a check of the flags that reports all that is wrong with them.
func finish(cmd *cobra.Command, check func() error, run func(*cobra.Command, []string) error) {
	oneOf(cmd, "output", forms...)
	before := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		err := check()
		if before != nil {
			err = errors.Join(err, before(cmd, args))
		}
		if err == nil {
			return nil
		}
		return &Error{Exit: Misused, Cmd: cmd, error: err}
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		if e, ok := errors.AsType[*Error](err); ok && e.Exit == Misused {
			e.Cmd = cmd
		}
		return err
	}
	if cmd.Args == nil {
		cmd.Args = cobra.NoArgs
	}
}

func newSession(cmd *cobra.Command, p *printer) *session {
	s := &session{cmd: cmd, in: cmd.InOrStdin(), out: p, err: cmd.ErrOrStderr()}
	p.begin(cmd)
	return s
}

// open makes the session of a command with a server.
func open(cmd *cobra.Command, at server, p *printer) (*session, error) {
	api, err := client.New(at.url, client.TokenText(at.token), "spool/"+cmd.Root().Version)
	if err != nil {
		return nil, misused("%w", err)
	}
	s := newSession(cmd, p)
	s.API, s.server = api, at
	return s, nil
}

// explain says of an error what the person can do about it.
func (s *session) explain(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	if refused, ok := errors.AsType[*client.Error](err); ok {
		text := err.Error()
		if refused.Status == http.StatusUnauthorized {
			text = fmt.Sprintf("%s (the server is %s, the token that of %s)", text, s.server.url, cmp.Or(s.server.from, "--token-file"))
		}
		return &Error{Exit: statusOf(refused.Status), Problem: problemIn(refused), error: errors.New(text)}
	}
	if broken, ok := errors.AsType[*url.Error](err); ok && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("the server at %s (of %s) does not answer: %w", s.server.url, s.server.from, broken.Err)
	}
	return err
}

// problemIn returns the problem that a server answered, if it is one.
func problemIn(refused *client.Error) json.RawMessage {
	if json.Valid(refused.Body) {
		return refused.Body
	}
	return nil
}

// row is one thing of an answer: as it came, and decoded.
type row[T any] struct {
	raw    json.RawMessage
	value  T
	header http.Header // of the answer that it is
}

// longestAnswer bounds what one answer may hold in memory.
const longestAnswer = 256 << 20

// read reads the answer of a call of the client.
func read[T any](resp *http.Response, err error) (one row[T], _ error) {
	one.raw, one.header, err = readInto(&one.value, resp, err)
	return one, err
}

func readInto(value any, resp *http.Response, err error) (json.RawMessage, http.Header, error) {
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, longestAnswer))
	if err != nil {
		return raw, resp.Header, fmt.Errorf("the answer broke off: %w", err)
	}
	if len(raw) == 0 { // 204
		return raw, resp.Header, nil
	}
	if err := json.Unmarshal(raw, value); err != nil {
		return raw, resp.Header, fmt.Errorf("the server answered what this program cannot read, so their versions may differ (spool version): %w", err)
	}
	return raw, resp.Header, nil
}

// pages lists what is under a key of each page of a list, until limit (0: all). fetch asks
// for one page, given the token of the page before and how many are wanted at most.
func pages[T any](key string, limit int, fetch func(token *string, most int) (*http.Response, error)) iter.Seq2[row[T], error] {
	return func(yield func(row[T], error) bool) {
		var token *string
		for left := limit; ; {
			most := biggestPage
			if limit > 0 {
				most = min(most, left)
			}
			page, err := read[map[string]json.RawMessage](fetch(token, most))
			var rows []json.RawMessage
			if err == nil && page.value[key] != nil {
				err = json.Unmarshal(page.value[key], &rows)
			}
			if err != nil {
				yield(row[T]{}, err)
				return
			}
			for _, raw := range rows {
				one := row[T]{raw: raw}
				if err := json.Unmarshal(raw, &one.value); err != nil {
					yield(one, fmt.Errorf("%s: %w", key, err))
					return
				}
				if !yield(one, nil) {
					return
				}
			}
			left -= len(rows)
			next := page.value["next_page_token"]
			if next == nil || limit > 0 && left <= 0 {
				return
			}
			token = new(string)
			if err := json.Unmarshal(next, token); err != nil || *token == "" {
				return
			}
		}
	}
}

// biggestPage is the most that every list gives at once.
const biggestPage = 1000

// sleep waits, and reports whether ctx still lasts.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
