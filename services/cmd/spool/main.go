// Command spool runs Spool: all services in one process with NATS inside (serve, demo), or
// one service in a process of its own (broker, gateway, cron, watcher, dispatcher, runner).
// The other commands talk to a running server over its API, or work on the data folder of
// a stopped one.
//
// services in instance.go is the list of services: what each is called, which groups of
// flags it needs and how it starts. serve starts all of them, the command of a service one;
// see README.md for every command and flag.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"spool.internal/services/broker"
	"spool.internal/services/cli"
	"spool.internal/services/runner"
)

func main() {
	runner.Shim() // a flow is started through this program; then nothing else here runs
	if err := runner.Undumpable(); err != nil {
		fmt.Fprintln(os.Stderr, "spool:", oneLine(err))
		os.Exit(1)
	}
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), stopSignals()...)
	defer stop()
	catchBrokenPipes()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	root := command()
	root.SetArgs(args)
	strict(root, args)
	if err := root.ExecuteContext(ctx); err != nil {
		if readerGone(err) {
			return 0
		}
		lines, status := report(err)
		cli.Complain(os.Stderr, cli.Complaint{Root: root, Args: args, Err: err, Lines: lines, Exit: status})
		if _, lost := errors.AsType[*broker.Lost](err); lost {
			return exitLost
		}
		return status
	}
	return 0
}

// readerGone reports that whoever reads what is printed wants no more, as head does after
// its lines: no fault.
func readerGone(err error) bool {
	at, ok := errors.AsType[*fs.PathError](err)
	return ok && at.Path == os.Stdout.Name() && errors.Is(at, syscall.EPIPE)
}
