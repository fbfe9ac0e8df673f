//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// peer is another program that reacts to files. Each is run as its users run it.
type peer struct {
	name  string
	needs []string                                              // programs
	ready func() error                                          // what else it needs; nil = nothing
	start func(b *testing.B, dir, in, endpoint string) []string // its command line
}

var peers = []peer{
	{
		name: "incron", needs: []string{"incrond", "curl"},
		start: func(b *testing.B, dir, in, endpoint string) []string {
			for _, sub := range []string{"tables", "users", "run"} {
				if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
					b.Fatal(err)
				}
			}
			table := fmt.Sprintf("%s IN_MOVED_TO,IN_CLOSE_WRITE curl -s -o /dev/null -d input_dir=$# %s\n", in, endpoint)
			config := fmt.Sprintf("system_table_dir = %s/tables\nuser_table_dir = %s/users\nlockfile_dir = %s/run\nlockfile_name = incrond\n", dir, dir, dir)
			for name, text := range map[string]string{"tables/bench": table, "incron.conf": config} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					b.Fatal(err)
				}
			}
			return []string{"incrond", "-n", "-f", filepath.Join(dir, "incron.conf")}
		},
	},
	{
		name: "inotifywait+curl", needs: []string{"inotifywait", "curl"},
		start: func(_ *testing.B, _, in, endpoint string) []string {
			return []string{"sh", "-c", `inotifywait -q -m -e moved_to,close_write --format %f "$1" | while read -r f; do curl -s -o /dev/null -d "input_dir=$f" "$2"; done`, "sh", in, endpoint}
		},
	},
	{
		name: "chokidar+fetch", needs: []string{"node"},
		ready: func() error { return exec.Command("node", "-e", "require('chokidar')").Run() }, // NODE_PATH says where it is
		start: func(_ *testing.B, _, in, endpoint string) []string {
			return []string{"node", "-e", `require('chokidar').watch(process.argv[1], {ignoreInitial: true})
				.on('add', f => fetch(process.argv[2], {method: 'POST', body: 'input_dir=' + f}))`, in, endpoint}
		},
	},
}

// watchPeer measures a peer, if it is here.
func watchPeer(b *testing.B, p peer) {
	for _, program := range p.needs {
		if _, err := exec.LookPath(program); err != nil {
			missing(b, p.name, program)
		}
	}
	if p.ready != nil && p.ready() != nil {
		missing(b, p.name, "its module")
	}
	arrived := make(chan struct{}, 1024)
	endpoint := nullEndpoint(b, func() { arrived <- struct{}{} })
	dir := b.TempDir()
	in := filepath.Join(dir, "in")
	if err := os.Mkdir(in, 0o755); err != nil {
		b.Fatal(err)
	}
	args := p.start(b, dir, in, endpoint)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	// It says nowhere that it is ready: drop until it has seen one, and the rest of those.
	for n, seen := -1, false; !seen; n-- {
		dropRenamed(b, dir, in, n)
		select {
		case <-arrived:
			seen = true
		case <-time.After(time.Second):
		}
		if n < -30 {
			b.Fatalf("%s does not react", p.name)
		}
	}
	time.Sleep(200 * time.Millisecond)
	for len(arrived) > 0 {
		<-arrived
	}
	measure(b, func(n int) { dropRenamed(b, dir, in, n) }, arrived)
}

// missing says, beside the figures, which there is none of.
func missing(b *testing.B, name, what string) {
	fmt.Printf("BenchmarkWatch/renamed-in/%s: absent (%s)\n", name, what)
	b.SkipNow()
}
