package cli

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"spool.internal/events/atomicfile"
)

// remote are the flags that say which server, and who asks.
type remote struct {
	url, tokenFile, data, context string

	flags *pflag.FlagSet
}

// defaultURL is where a server listens unless it is told otherwise.
const defaultURL = "http://127.0.0.1:8080"

func (r *remote) declare(f *pflag.FlagSet) {
	r.flags = f
	f.StringVar(&r.url, "url", defaultURL, "base URL of the server's API; without it, that of the context or of the server that runs on --data")
	f.StringVar(&r.tokenFile, "token-file", "", "file with the API token (default DATA/admin.token)")
	f.StringVar(&r.data, "data", "spool-data", "the server's data folder, for its address and its admin.token")
	f.StringVar(&r.context, "context", "", "name of a server that spool context add has kept (default: the one that spool context use chose)")
}

// server is whom to ask, and as whom.
type server struct {
	url, token string
	from       string // where both come from, for messages
	context    string // its name, if they come from a context
}

// said is how a flag was given: on the command line weighs more than by its variable.
type said int

const (
	unsaid said = iota
	byVariable
	byFlag
)

func (r *remote) said(name string) said {
	f := r.flags.Lookup(name)
	switch {
	case f == nil || !f.Changed:
		return unsaid
	case f.Annotations["SPOOL_"] != nil: // set by the environment
		return byVariable
	default:
		return byFlag
	}
}

// fromEnvironment sets the flags by their variables, where nothing else has: when a shell
// asks what could come next.
func (r *remote) fromEnvironment() {
	for _, name := range []string{"url", "token-file", "data", "context"} {
		f := r.flags.Lookup(name)
		value, ok := os.LookupEnv("SPOOL_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")))
		if !ok || f == nil || f.Changed || r.flags.Set(name, value) != nil {
			continue
		}
		f.Annotations = map[string][]string{"SPOOL_": {name}}
	}
}

// remoteOf returns the flags of a command whose arguments a shell completes.
func remoteOf(f *pflag.FlagSet) *remote {
	r := &remote{flags: f}
	r.fromEnvironment()
	for name, value := range map[string]*string{"url": &r.url, "token-file": &r.tokenFile, "data": &r.data, "context": &r.context} {
		if flag := f.Lookup(name); flag != nil {
			*value = flag.Value.String()
		}
	}
	return r
}

// find returns the server. Its address and its token come from one source, so that a token
// is never sent to an address that somebody else could have put somewhere.
func (r *remote) find() (server, error) {
	word := max(r.said("url"), r.said("token-file"))
	context, data := r.said("context"), r.said("data")
	if context != unsaid && context == word {
		return server{}, misused("context: a context has an address and a token of its own: give it without --url and --token-file")
	}
	if context != unsaid && context > word && context >= data {
		return namedContext(r.context)
	}
	if word != unsaid && (data <= word || r.said("url") != unsaid) {
		return r.spoken()
	}
	if data == unsaid {
		if kept, err := currentContext(); err != nil || kept.url != "" {
			return kept, err
		}
	}
	return inFolder(r.data)
}

// spoken returns the server that the person names by --url, --token-file or their
// variables. Without --token-file the token is that of the data folder, as its flag says.
func (r *remote) spoken() (server, error) {
	address, err := readURL(r.url)
	if err != nil {
		return server{}, err
	}
	file := r.tokenFile
	if file == "" {
		file = filepath.Join(r.data, adminToken)
	}
	token, err := readToken(file)
	return server{url: address, token: token, from: "--url"}, err
}

// adminToken is the name of the administrator's token in a data folder.
const adminToken = "admin.token"

func readURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", misused("url: is not the address of a server: write it like http://127.0.0.1:8080")
	}
	if u.User != nil {
		return "", misused("url: has a password in it: leave it out, and give the token in a file, by --token-file")
	}
	return strings.TrimRight(text, "/"), nil
}

func readToken(file string) (string, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) && filepath.Base(file) == adminToken {
		return "", noServer(filepath.Dir(file))
	}
	if err != nil {
		return "", fmt.Errorf("token-file: %w", err)
	}
	return tokenIn(file, text)
}

func tokenIn(file string, text []byte) (string, error) {
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", fmt.Errorf("token-file: %w", atomicfile.Damaged(file, text, "",
			"restore it from your backup, or stop the server and run spool token reset-admin, which makes a new admin token"))
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "", fmt.Errorf("token-file: %s does not hold a token: it has to be the only line", file)
	}
	return token, nil
}

func noServer(folder string) error {
	return fmt.Errorf("there is no server in %s: run this where its data folder is, name that by --data, or keep its address and token by spool context add", folder)
}
