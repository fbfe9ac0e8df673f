package main

import (
	"os"
	"os/signal"
	"syscall"
)

// stopSignals are those that stop a service. A terminal that is closed hangs up;
// under nohup that signal is ignored, and stays so.
func stopSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// catchBrokenPipes lets a service outlive the reader of its log. The signal is
// caught, not ignored: what is ignored a flow would inherit, and `yes | head`
// in it would not end.
func catchBrokenPipes() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
}
