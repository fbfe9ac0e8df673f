package cli

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// tokens of the four places that one can come from.
const (
	flagToken, folderToken, contextToken = "token-of-a-flag", "token-of-the-folder", "token-of-the-context"
)

// places is a person's machine: a server that runs on a folder, and a context that is in use.
type places struct {
	folder, flagFile string
}

func newPlaces(t *testing.T, inUse bool) places {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
	p := places{filepath.Join(home, "spool-data"), filepath.Join(home, "flag.token")}
	contextFile := filepath.Join(home, "context.token")
	for file, token := range map[string]string{p.flagFile: flagToken, contextFile: contextToken, filepath.Join(p.folder, adminToken): folderToken} {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	announce(t, p.folder)
	kept := contexts{Contexts: []contextName{{"prod", "https://prod.example.org", contextFile}}}
	if inUse {
		kept.Current = "prod"
	}
	if err := kept.write(); err != nil {
		t.Fatal(err)
	}
	return p
}

func announce(t *testing.T, folder string) {
	t.Helper()
	release, err := Announce(folder, "127.0.0.1:4711", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = release() })
}

// find asks for the server, by flags and by variables.
func find(t *testing.T, flags []string, variables map[string]string) (server, error) {
	t.Helper()
	for name, value := range variables {
		t.Setenv(name, value)
	}
	f := pflag.NewFlagSet("test", pflag.ContinueOnError)
	var r remote
	r.declare(f)
	if err := f.Parse(flags); err != nil {
		t.Fatal(err)
	}
	r.fromEnvironment()
	return r.find()
}

// Where address and token come from; a token never goes where another source points.
func TestOneSource(t *testing.T) {
	const found, said, prod = "http://127.0.0.1:4711", "http://said.example.org:1", "https://prod.example.org"
	for _, c := range []struct {
		name       string
		inUse      bool
		flags      string
		env        map[string]string
		url, token string
		fault      string
	}{
		{"the folder beside", false, "", nil, found, folderToken, ""},
		{"a folder that is named", true, "--data FOLDER", nil, found, folderToken, ""},
		{"a folder of a variable", true, "", map[string]string{"SPOOL_DATA": "FOLDER"}, found, folderToken, ""},
		{"the context in use", true, "", nil, prod, contextToken, ""},
		{"a context by its flag", false, "--context prod", nil, prod, contextToken, ""},
		{"a context by its variable", false, "", map[string]string{"SPOOL_CONTEXT": "prod"}, prod, contextToken, ""},
		{"url and token", true, "--url " + said + " --token-file FILE", nil, said, flagToken, ""},
		{"url and token of variables", true, "", map[string]string{"SPOOL_URL": said, "SPOOL_TOKEN_FILE": "FILE"}, said, flagToken, ""},
		{"url of the flag, token of the variable", true, "--url " + said, map[string]string{"SPOOL_TOKEN_FILE": "FILE"}, said, flagToken, ""},
		{"a token alone goes where it always went", true, "--token-file FILE", nil, defaultURL, flagToken, ""},
		{"the token of a variable does not go to a found address", true, "--data FOLDER", map[string]string{"SPOOL_TOKEN_FILE": "FILE"}, found, folderToken, ""},
		{"a url alone takes the token of the folder, as it always did", true, "--url " + said + " --data FOLDER", nil, said, folderToken, ""},
		{"a context over variables", false, "--context prod", map[string]string{"SPOOL_URL": said, "SPOOL_TOKEN_FILE": "FILE"}, prod, contextToken, ""},
		{"flags over the variable of a context", false, "--url " + said + " --token-file FILE", map[string]string{"SPOOL_CONTEXT": "prod"}, said, flagToken, ""},
		{"a context and a url", false, "--context prod --url " + said, nil, "", "", "context: a context has an address"},
		{"a context and a url, by variables", false, "", map[string]string{"SPOOL_CONTEXT": "prod", "SPOOL_TOKEN_FILE": "FILE"}, "", "", "context: a context has"},
		{"an unknown context", false, "--context prd", nil, "", "", `did you mean "prod"?`},
		{"a folder without a server", false, "--data " + filepath.Join("no", "where"), nil, "", "", "there is no server in no/where"},
		{"no address", false, "--url nowhere --token-file FILE", nil, "", "", "url: is not the address"},
		{"a password in the address", false, "--url http://u:p@h --token-file FILE", nil, "", "", "leave it out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlaces(t, c.inUse)
			t.Chdir(filepath.Dir(p.folder))
			fill := strings.NewReplacer("FOLDER", p.folder, "FILE", p.flagFile)
			env := map[string]string{}
			for name, value := range c.env {
				env[name] = fill.Replace(value)
			}
			got, err := find(t, strings.Fields(fill.Replace(c.flags)), env)
			if c.fault != "" {
				if err == nil || !strings.Contains(err.Error(), c.fault) {
					t.Errorf("got %+v, %v; want %q", got, err, c.fault)
				}
				return
			}
			if err != nil || got.url != c.url || got.token != c.token {
				t.Errorf("got %s with %s, %v; want %s with %s", got.url, got.token, err, c.url, c.token)
			}
		})
	}
}

// A folder in which somebody else could have put an address is not believed.
func TestFolderOfAnother(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("folders there have no uid")
	}
	for _, c := range []struct {
		name  string
		spoil func(folder string) error
		fault string
	}{
		{"others may write", func(f string) error { return os.Chmod(f, 0o777) }, "can be written by others"},
		{"the group may write", func(f string) error { return os.Chmod(f, 0o770) }, "can be written by others"},
		{"others may write the address", func(f string) error { return os.Chmod(filepath.Join(f, addressFile), 0o666) }, "not a file of yours alone"},
		{"others may write the token", func(f string) error { return os.Chmod(filepath.Join(f, adminToken), 0o620) }, "not a file of yours alone"},
		{"of another", func(f string) error { return os.Chown(f, 12345, -1) }, "belongs to another user (uid 12345)"},
		{"the address of another", func(f string) error { return os.Chown(filepath.Join(f, addressFile), 12345, -1) }, "not a file of yours alone"},
		{"a link out of it", func(f string) error {
			token := filepath.Join(f, adminToken)
			return errors.Join(os.Remove(token), os.Symlink("/etc/passwd", token))
		}, "escapes"},
		{"a folder as a token", func(f string) error {
			token := filepath.Join(f, adminToken)
			return errors.Join(os.Remove(token), os.Mkdir(token, 0o700))
		}, "not a file of yours alone"},
		{"an empty token", func(f string) error { return os.WriteFile(filepath.Join(f, adminToken), nil, 0o600) }, "reset-admin"},
		{"two lines", func(f string) error { return os.WriteFile(filepath.Join(f, adminToken), []byte("a\nb\n"), 0o600) }, "the only line"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.Contains(c.name, "of another") && os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			p := newPlaces(t, false)
			if err := c.spoil(p.folder); err != nil {
				t.Fatal(err)
			}
			got, err := find(t, []string{"--data", p.folder}, nil)
			if err == nil || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("got %+v, %v; want %q", got, err, c.fault)
			}
		})
	}
}

// A server that was killed leaves its address. Its port can be somebody else's by now, so
// the token stays here.
func TestStaleAddress(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no server runs there")
	}
	p := newPlaces(t, false)
	file := filepath.Join(p.folder, addressFile)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(file), os.WriteFile(file, text, 0o600)); err != nil { // as it was, and nobody holds it
		t.Fatal(err)
	}
	if got, err := find(t, []string{"--data", p.folder}, nil); err == nil || !strings.Contains(err.Error(), "has ended without a goodbye") {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if got, err := find(t, []string{"--data", p.folder}, nil); err == nil || !strings.Contains(err.Error(), "does not run: start it") {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestReachedBy(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:8080": "http://127.0.0.1:8080", "0.0.0.0:80": "http://127.0.0.1:80", "[::]:80": "http://[::1]:80", "[fe80::1]:80": "http://[fe80::1]:80",
	} {
		if got := reachedBy(addr, ""); got != want {
			t.Errorf("%s is reached by %s, want %s", addr, got, want)
		}
	}
	if got := reachedBy("0.0.0.0:443", "/no/such.pem"); got != "https://127.0.0.1:443" {
		t.Errorf("with a certificate: %s", got)
	}
}
