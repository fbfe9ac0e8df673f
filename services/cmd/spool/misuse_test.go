package main

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestMisuse: every fault of a command is a line that names the flag, before
// anything is made.
func TestMisuse(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("file", []byte("no folder\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		command string
		lines   []string // how each begins
	}{
		{"serve --listen foo --workers many --drain 5 --max-store 10X --timezone Nowhere --durability maybe --catch-up-rate -1 --stage x --sandbox x --mail-on x --drive a/b/fs/c --drive x=y --max-depth -1 --runner-network x", []string{
			"--workers: \"many\" is not a whole number", "--drain: \"5\" has no unit", "--max-store: \"10X\" is not a size", "--listen: \"foo\" is not host:port", "--drive: \"a/b/fs/c\" has not the form",
			"--drive: ", "--durability: \"maybe\"", "--timezone: ", "--catch-up-rate: -1", "--stage: \"x\"", "--sandbox: \"x\"", "--mail-on: \"x\"", "--max-depth: -1", "--runner-network: \"x\"",
		}},
		{"serve --data file --log-level loud --trusted-proxies here --max-connections 1 --run-binary-url ftp://x --tls-cert file", []string{
			"--data: file is no folder", "--log-level: ", "--trusted-proxies: ", "--max-connections: ", "--run-binary-url: ", "--tls-key: is missing beside --tls-cert",
		}},
		{"serve --tls-cert file --tls-key file", []string{"--tls-cert: file and --tls-key file are not a certificate"}},
		{"serve --listen 127.0.0.1:70000 --nats-listen 127.0.0.1:http-s", []string{"--listen: \"127.0.0.1:70000\": \"70000\" is not a port", "--nats-listen: "}},
		{"serve --listen 127.0.0.1:29299 --nats-listen 127.0.0.1:29299", []string{"--nats-listen: 127.0.0.1:29299 is the address of --listen"}},
		{"serve --listen 0.0.0.0:0", []string{"--listen: 0.0.0.0:0 can be reached from other machines"}},
		{"serve --listen 203.0.113.1:80", []string{"--listen: 203.0.113.1:80 is no address of this machine"}},
		{"serve --webhook-allow http://x --smtp-url x --balance-at noon --balance-to a@example.com --profile nonsense", []string{"--webhook-allow: ", "--smtp-url: ", "--balance-at: ", "--profile: "}},
		{"serve --smtp-url smtp://a?from=a@example.com --smtp-url-file file", []string{"--smtp-url-file: is given together with --smtp-url"}},
		{"serve --flow-memory 1k --flow-max-file-size -5 --quota jobs=no --quota cats=1 --burst -1", []string{"--flow-memory: ", "--flow-max-file-size: ", "--quota: jobs: ", "--quota: \"cats\"", "--burst: "}},
		{"serve --listn x --drian=5s --workers=0x", []string{"--listn is not a flag: did you mean --listen?", "--drian is not a flag: did you mean --drain?", "--workers: "}},
		{"serve --listen", []string{"--listen: requires a value"}},
		{"serve -x", []string{"-x is not a flag"}},
		{"serve now", []string{"spool serve takes no arguments, but \"now\""}},
		{"demo --timezone Nowhere --max-store 1", []string{"--max-store: ", "--timezone: "}},
		{"broker --results-per-job 1 --max-store 1 --nats-listen x", []string{"--max-store: ", "--results-per-job: ", "--nats-listen: \"x\""}},
		{"gateway --nats-url http://x --nats-creds nowhere --nats-ca file --timezone x --burst -1", []string{"--nats-url: ", "--nats-creds: ", "--nats-ca: ", "--timezone: ", "--burst: "}},
		{"cron --catch-up-rate -1 --timezone Nowhere --listen :x", []string{"--listen: ", "--timezone: ", "--catch-up-rate: "}},
		{"watcher --stage x --durability x --spool-retention -1h", []string{"--stage: ", "--spool-retention: ", "--durability: "}},
		{"dispatcher --workers -1 --call-timeout 0 --retry-waits 1s,0s --runner-secret-file nowhere --mail-on x", []string{"--run-binary-url: is required", "--workers: ", "--retry-waits: ", "--runner-secret-file: ", "--mail-on: "}},
		{"runner --pool a.b --flows -1 --profiles nowhere --runner-read here", []string{"--pool: ", "--flows: ", "--profiles: ", "--runner-read: "}},
		{"serve --bundle nowhere", []string{"--bundle: nowhere is not the bundle of a machine"}},
		{"broker --bundle file", []string{"--bundle: file is not the bundle of a machine"}},
		{"gateway --place M1", []string{"--place: \"M1\" is not a name"}},
		{"watcher --place m_1", []string{"--place: \"m_1\" is not a name"}},
		{"runner --place -m --pool a.b", []string{"--place: \"-m\" is not a name", "--pool: "}},
		{"runner --takeover 30s --place m1", []string{"--takeover: 30s is too short"}},
		{"gateway --peer-ca file --nats-cert file --advertise-url m1", []string{"--peer-ca: ", "--nats-key: is missing beside --nats-cert", "--advertise-url: "}},
		{"cron --nats-cert nowhere --nats-key nowhere", []string{"--nats-cert: ", "--nats-key: "}},
		{"schedule next @daily --count 0 --from tomorrow", []string{"--from: ", "--count: "}},
		{"schedule next", []string{"spool schedule next requires EXPRESSION"}},
		{"cron rewind", []string{"--nats-url or --data: one of them is required"}},
		{"token create --url localhost --token-file file", []string{"--url: is not the address of a server"}},
		{"token create --expires soon --token-file file", []string{"--expires: \"soon\""}},
		{"subscriber create x --expires 30 --token-file file", []string{"--expires: \"30\""}},
		{"cron rewnd", []string{"spool cron has no command \"rewnd\": did you mean rewind?"}},
		{"token creat", []string{"spool token has no command \"creat\": did you mean create?"}},
		{"serv", []string{"spool has no command \"serv\": did you mean serve?"}},
	} {
		t.Run(c.command, func(t *testing.T) {
			out, code := spool(t, strings.Fields(c.command)...)
			lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
			for _, begin := range c.lines {
				at := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "spool: "+begin) })
				if at < 0 {
					t.Errorf("no line begins with %q", begin)
					continue
				}
				lines = slices.Delete(lines, at, at+1)
			}
			if code != 2 || len(lines) > 0 {
				t.Errorf("status %d, want 2, and these lines are too many: %q; all of them:\n%s", code, lines, out)
			}
			if _, err := os.Stat("spool-data"); err == nil {
				t.Error("the data folder was made")
			}
		})
	}
}

// TestMisuseInTheEnvironment: a fault names the variable that it comes from.
func TestMisuseInTheEnvironment(t *testing.T) {
	t.Setenv("SPOOL_MAX_STORE", "ten")
	t.Setenv("SPOOL_TIMEZONE", "Nowhere")
	t.Setenv("SPOOL_DRIAN", "5s")
	out, code := spool(t, "serve", "--data", filepath.Join(t.TempDir(), "x"), "--listen", "127.0.0.1:0", "--workers", "none")
	for _, part := range []string{"spool: SPOOL_MAX_STORE: ", "spool: SPOOL_TIMEZONE: ", "spool: --workers: ", "did you mean SPOOL_DRAIN?"} {
		if strings.Count(out, part) != 1 {
			t.Errorf("not one %q in:\n%s", part, out)
		}
	}
	if code != 2 {
		t.Errorf("status %d", code)
	}
}

// TestPortInUse: a port in use is an error before anything is created, and status 1, for it
// may pass.
func TestPortInUse(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var wg sync.WaitGroup
	for _, args := range [][]string{
		{"serve", "--listen", l.Addr().String()},
		{"serve", "--listen", "127.0.0.1:0", "--nats-listen", l.Addr().String()},
		{"broker", "--nats-listen", l.Addr().String()},
		{"cron", "--listen", l.Addr().String()},
	} {
		wg.Go(func() { // each waits for a while, whether the port becomes free
			data := filepath.Join(t.TempDir(), "data")
			out, code := spool(t, append(args, "--data", data)...)
			if want := l.Addr().String() + " is in use by another process: stop that, or choose another port"; code != 1 || strings.Count(out, "\n") != 1 || !strings.Contains(out, want) {
				t.Errorf("%v: status %d: %s", args, code, out)
			}
			if _, err := os.Stat(data); err == nil {
				t.Errorf("%v made the data folder", args)
			}
		})
	}
	wg.Wait()
}

// TestUnitsOfFlags: every flag for a size or a duration takes what people write.
func TestUnitsOfFlags(t *testing.T) {
	notSizes := []string{"results-per-job"}
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			texts := map[string][]string{"size": {"10GB", "10G", "512MiB", "1.5 gb", "1000000"}, "duration": {"5s", "1h30m", "7d", "2w", "10 minutes"}, "durations": {"5s,1h30m,7d"}}[f.Value.Type()]
			for _, text := range texts {
				if err := f.Value.Set(text); err != nil {
					t.Errorf("%s --%s: %v", cmd.CommandPath(), f.Name, err)
				}
			}
			if kind := f.Value.Type(); kind == "durationSlice" || kind == "int64" && !slices.Contains(notSizes, f.Name) {
				t.Errorf("%s --%s is a %s: use sizeVar or durationVar", cmd.CommandPath(), f.Name, kind)
			}
		})
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	root := command()
	visit(root)
	for _, part := range []string{"10GB", "KiB", "1h30m", "2w"} {
		if !strings.Contains(root.Long, part) {
			t.Errorf("spool --help does not mention %s", part)
		}
	}
}
