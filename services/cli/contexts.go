package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"spool.internal/events/atomicfile"
	"spool.internal/events/spelling"
)

// contexts are the servers that a person has given a name, in a file of his own.
type contexts struct {
	Current  string        `json:"current,omitempty"`
	Contexts []contextName `json:"contexts"`
}

// contextName is one of them. The token stays in its file.
type contextName struct {
	Name      string `json:"name"`
	URL       string `json:"url"`
	TokenFile string `json:"token_file"`
}

// configFolder is where they are kept.
func configFolder() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("there is no place for contexts: %w", err)
	}
	return filepath.Join(dir, "spool"), nil
}

func contextsFile() (string, error) {
	dir, err := configFolder()
	return filepath.Join(dir, "contexts.json"), err
}

// readContexts reads the file; without one there are none.
func readContexts() (c contexts, err error) {
	file, err := contextsFile()
	if err != nil {
		return c, err
	}
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	defer f.Close()
	if err := ownFile(f); err != nil {
		return c, fmt.Errorf("%s: %w", file, err)
	}
	if err := json.NewDecoder(f).Decode(&c); err != nil {
		return c, fmt.Errorf("%s is damaged: mend or remove it: %w", file, err)
	}
	return c, nil
}

func (c contexts) write() error {
	file, err := contextsFile()
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(file, append(text, '\n'), 0o600)
}

func (c contexts) at(name string) int {
	return slices.IndexFunc(c.Contexts, func(one contextName) bool { return one.Name == name })
}

func (c contexts) names() (names []string) {
	for _, one := range c.Contexts {
		names = append(names, one.Name)
	}
	return names
}

// find returns a context, or the error that says which there are.
func (c contexts) find(name string) (contextName, error) {
	if at := c.at(name); at >= 0 {
		return c.Contexts[at], nil
	}
	text := fmt.Sprintf("there is no context %q", name)
	switch like := spelling.Nearest(name, c.names()); {
	case like != "":
		text += fmt.Sprintf(": did you mean %q?", like)
	case len(c.Contexts) > 0:
		text += ": there are " + strings.Join(c.names(), ", ")
	default:
		text += ": add it by spool context add"
	}
	return contextName{}, failure(NotFound, "%s", text)
}

func (one contextName) server() (server, error) {
	address, err := readURL(one.URL)
	if err != nil {
		return server{}, fmt.Errorf("context %s: %w", one.Name, err)
	}
	text, err := os.ReadFile(one.TokenFile)
	if err != nil {
		return server{}, fmt.Errorf("context %s: its token: %w", one.Name, err)
	}
	token, err := tokenIn(one.TokenFile, text)
	return server{url: address, token: token, from: "context " + one.Name, context: one.Name}, err
}

func namedContext(name string) (server, error) {
	all, err := readContexts()
	if err != nil {
		return server{}, err
	}
	one, err := all.find(name)
	if err != nil {
		return server{}, err
	}
	return one.server()
}

// currentContext returns the server of the context in use; none when there is none.
func currentContext() (server, error) {
	all, err := readContexts()
	if err != nil || all.Current == "" {
		return server{}, err
	}
	return namedContext(all.Current)
}
