package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/events/atomicfile"
	"spool.internal/events/jet"
)

// demoFlow is deploy/demo/flow.ibflowbin; a test compares them.
//
//go:embed demo/flow.ibflowbin
var demoFlow []byte

// demoDrive is the drive of the demo; it lies in DATA/demo.
const demoDrive = "admin/repo/fs/Demo"

func demoCommand() *cobra.Command {
	s := &settings{demo: true}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run serve with a drive, a job of each kind and a sample file, and print what happens",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("log-level") {
				s.common.logLevel = "warn" // what happens is printed as events
			}
			d := &demo{shown: s.common.data, out: cmd.OutOrStdout()}
			dir, err := filepath.Abs(filepath.Join(s.common.data, "demo"))
			if err != nil {
				return fmt.Errorf("data: %w", err)
			}
			d.dir = dir
			s.place.mappings = append(s.place.mappings, demoDrive+"="+dir)
			return serve(cmd.Context(), s, d.run)
		},
	}
	s.declare(cmd, services...)
	return cmd
}

// demo is what happens around a running serve.
type demo struct {
	shown string // the data folder as the user wrote it
	dir   string // DATA/demo, absolute
	out   io.Writer
	api   *client
}

func (d *demo) run(ctx context.Context, in *instance, bus *jet.Bus) error {
	if err := in.AwaitReady(ctx); err != nil {
		return nil // stopped while starting
	}
	var err error
	if d.api, err = openClient("http://"+in.addr, filepath.Join(filepath.Dir(d.dir), "admin.token")); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if err := d.prepare(); err != nil {
		return err
	}
	printer := &printer{out: d.out, shown: d.shown}
	following := printer.follow(ctx, bus)
	defer following.Wait()
	if err := d.createJobs(ctx); err != nil {
		return err
	}
	if err := d.dropSample(); err != nil {
		return err
	}
	printer.firstEnd(ctx)
	fmt.Fprintf(d.out, `
Open %s

Drop files into  %s/demo/in
Results go to    %s/demo/out
The token is in  %s/admin.token
The API is at    %s/api/v2/docs
List the jobs:   %s
Stop with Ctrl-C.

`, d.page(in), d.shown, d.shown, d.shown, d.api.url, d.lists())
	<-ctx.Done()
	return nil
}

// page is where the dashboard is. Who sees it printed is let in by it, once.
func (d *demo) page(in *instance) string {
	at := d.api.url + "/login"
	if !isLoopback(in.addr) || !isTerminal(d.out) {
		return at + " and enter the token in " + d.shown + "/admin.token"
	}
	return at + "#" + in.set.gateway.code.issue(d.api.token, time.Now())
}

// lists is the command that lists the jobs. The program has the name by which it was called;
// in the folder where the demo was started its data folder need not be named.
func (d *demo) lists() string {
	line := os.Args[0] + " jobs list"
	if d.shown != "spool-data" {
		line += " --data " + d.shown
	}
	return line
}

// prepare lays out the drive. Flows write to the drive, so links in it are not followed
// out of it.
func (d *demo) prepare() error {
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	root, err := os.OpenRoot(d.dir)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer root.Close()
	for _, dir := range []string{"in", "tick/in"} {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
	}
	if err := replaceFile(root, "tick/in/tick.txt", []byte("tick\n"), 0o644); err != nil {
		return err
	}
	return replaceFile(root, "flow.ibflowbin", demoFlow, 0o755)
}

// dropSample drops a file as a careful program does: written elsewhere, then renamed in.
func (d *demo) dropSample() error {
	root, err := os.OpenRoot(d.dir)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer root.Close()
	return replaceFile(root, "in/sample.txt", []byte("This is a sample.\nDrop your own file beside it.\n"), 0o644)
}

func replaceFile(root *os.Root, file string, text []byte, mode os.FileMode) error {
	if err := atomicfile.WriteIn(root, "."+path.Base(file)+".tmp", file, text, mode); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return nil
}
