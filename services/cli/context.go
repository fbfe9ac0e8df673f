package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"spool.internal/events/atomicfile"
)

// contextCommand keeps the servers that a person talks to.
func contextCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "context", Short: "Keep the addresses and tokens of servers under names"}
	cmd.AddCommand(contextAdd(), contextUse(), contextList(), contextRemove())
	return cmd
}

var contextForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func contextAdd() *cobra.Command {
	one, use := contextName{}, false
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Keep a server under a name; the first one is in use at once",
		Long: `Keep the address of a server, and where its token is, under a name. A name that exists
gets the new address and token. What is kept is in a file of the user's configuration
folder that nobody else can read; the token stays in its own file. With --token-file -
the token is read from stdin, and kept beside it.`,
		Example: "  spool context add prod --url https://spool.example.org --token-file ~/spool.token --use",
		Args:    cobra.ExactArgs(1),
	}
	offline(cmd, func(_ context.Context, s *session, args []string) error {
		one.Name = args[0]
		if !contextForm.MatchString(one.Name) {
			return misused("%q cannot be the name of a context: use letters, digits, dots, - and _, at most 64", one.Name)
		}
		var err error
		if one.URL, err = readURL(one.URL); err != nil {
			return err
		}
		if one.TokenFile, err = keepToken(s.in, one.Name, one.TokenFile); err != nil {
			return err
		}
		all, err := readContexts()
		if err != nil {
			return err
		}
		if at := all.at(one.Name); at >= 0 {
			all.Contexts[at] = one
		} else {
			all.Contexts = append(all.Contexts, one)
		}
		if use || len(all.Contexts) == 1 {
			all.Current = one.Name
		}
		if err := all.write(); err != nil {
			return err
		}
		return s.out.made(encode(all.shown(one)), one.Name, "context %s is %s%s", one.Name, one.URL, inUse(all.Current == one.Name))
	})
	cmd.Flags().StringVar(&one.URL, "url", "", "base URL of the server's API, such as https://spool.example.org")
	cmd.Flags().StringVar(&one.TokenFile, "token-file", "", "file with the API token; - reads it from stdin")
	cmd.Flags().BoolVar(&use, "use", false, "use it from now on")
	return cmd
}

func inUse(yes bool) string {
	if yes {
		return ", and in use"
	}
	return ""
}

// keepToken returns the file of a token that was seen to be one.
func keepToken(in io.Reader, name, file string) (string, error) {
	switch file {
	case "":
		return "", misused("token-file: is required: a file that holds the API token, or - for stdin")
	case "-":
		text, err := io.ReadAll(io.LimitReader(in, 64<<10))
		if err != nil {
			return "", fmt.Errorf("token-file: %w", err)
		}
		if _, err := tokenIn("stdin", text); err != nil {
			return "", err
		}
		file, err := keptToken(name)
		if err != nil {
			return "", err
		}
		return file, atomicfile.Write(file, text, 0o600)
	}
	file, err := filepath.Abs(file)
	if err != nil {
		return "", fmt.Errorf("token-file: %w", err)
	}
	_, err = readToken(file)
	return file, err
}

// keptToken is where the token of a context is that came from stdin.
func keptToken(name string) (string, error) {
	dir, err := configFolder()
	return filepath.Join(dir, "tokens", name), err
}

// shownContext is a context as it is printed.
type shownContext struct {
	contextName
	InUse bool `json:"in_use"`
}

func (c contexts) shown(one contextName) shownContext {
	return shownContext{one, one.Name == c.Current}
}

func contextUse() *cobra.Command {
	cmd := &cobra.Command{Use: "use NAME", Short: "Use a kept server from now on", Args: cobra.ExactArgs(1), ValidArgsFunction: completeContexts}
	return offline(cmd, func(_ context.Context, s *session, args []string) error {
		all, err := readContexts()
		if err != nil {
			return err
		}
		one, err := all.find(args[0])
		if err != nil {
			return err
		}
		all.Current = one.Name
		if err := all.write(); err != nil {
			return err
		}
		return s.out.made(encode(all.shown(one)), one.Name, "%s (%s) is in use", one.Name, one.URL)
	})
}

func contextList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the kept servers"}
	return offline(cmd, func(_ context.Context, s *session, _ []string) error {
		all, err := readContexts()
		if err != nil {
			return err
		}
		return list(s, contextTable, all.rows())
	})
}

var contextTable = table[shownContext]{
	columns: []column[shownContext]{
		{"name", func(c shownContext) string { return c.Name }},
		{"in_use", func(c shownContext) string { return yesOrNo(c.InUse) }},
		{"url", func(c shownContext) string { return c.URL }},
		{"token_file", func(c shownContext) string { return c.TokenFile }},
	},
	name:  func(c shownContext) string { return c.Name },
	empty: "No server is kept: spool context add keeps one.",
}

func yesOrNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func (c contexts) rows() iter.Seq2[row[shownContext], error] {
	return func(yield func(row[shownContext], error) bool) {
		for _, one := range c.Contexts {
			if !yield(row[shownContext]{raw: encode(c.shown(one)), value: c.shown(one)}, nil) {
				return
			}
		}
	}
}

func contextRemove() *cobra.Command {
	cmd := &cobra.Command{Use: "remove NAME", Short: "Forget a kept server, not what is on it", Args: cobra.ExactArgs(1), ValidArgsFunction: completeContexts}
	return offline(cmd, func(_ context.Context, s *session, args []string) error {
		all, err := readContexts()
		if err != nil {
			return err
		}
		one, err := all.find(args[0])
		if err != nil {
			return err
		}
		shown := all.shown(one)
		at := all.at(one.Name)
		all.Contexts = slices.Delete(all.Contexts, at, at+1)
		if all.Current == one.Name {
			all.Current = ""
		}
		if err := all.write(); err != nil {
			return err
		}
		if kept, err := keptToken(one.Name); err == nil && kept == one.TokenFile {
			if err := os.Remove(kept); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return s.out.made(encode(shown), one.Name, "%s (%s) is forgotten", one.Name, one.URL)
	})
}
