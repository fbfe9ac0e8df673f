package main

import (
	"os"
	"os/signal"
	"syscall"
)

// stopSignals are the signals that stop a service. Closing the terminal sends SIGHUP; under
// nohup that signal is ignored, and stays ignored.
func stopSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// catchBrokenPipes lets a service outlive the reader of its log. The signal is caught, not
// ignored, because flows would inherit an ignored signal, and `yes | head` in a flow would
// never end.
func catchBrokenPipes() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
}
