// Command spool is every part of Spool: one service, or all of them in one
// process with NATS inside.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"spool.internal/services/broker"
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
		lines, status := report(err)
		for _, line := range lines {
			fmt.Fprintln(os.Stderr, "spool:", line)
		}
		if _, lost := errors.AsType[*broker.Lost](err); lost {
			return exitLost
		}
		return status
	}
	return 0
}
