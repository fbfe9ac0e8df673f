package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/services/daemon"
	"spool.internal/services/dispatcher"
)

func dispatcherCommand() *cobra.Command {
	r := &role{}
	var endpoint, secretFile string
	var workers int
	var tell notifyOptions
	return service("dispatcher", "Run the dispatcher alone", r, func(f *pflag.FlagSet) {
		f.StringVar(&endpoint, "run-binary-url", "", "Run Binary API that calls are posted to, the whole URL")
		f.StringVar(&secretFile, "runner-secret-file", "", "file with the secret shared with a built-in runner; without it the endpoint is somebody else's")
		f.IntVar(&workers, "workers", 64, "run-binary calls in flight")
		tell.flags(f)
	}, func(ctx context.Context, p *daemon.Process, bus *jet.Bus) error {
		key, err := bus.OpenSealKey(ctx, filepath.Join(r.data, "seal.key"))
		if err != nil {
			return err
		}
		secret, err := readSecret(secretFile)
		if err != nil {
			return err
		}
		if secret == "" {
			tell.unused(p)
		} else if err := tell.start(ctx, p, bus, key, r.data); err != nil {
			return err
		}
		d, err := dispatcher.New(dispatcher.Config{
			Bus: bus, SealKey: key, RunBinaryURL: endpoint, Secret: secret, Workers: workers, Log: component(p, "dispatcher"),
		})
		if err != nil {
			return err
		}
		p.Go("dispatcher", d.Run)
		p.OnCheck("dispatcher", d.Check)
		_, err = p.Serve("http", r.listener(), http.NotFoundHandler())
		return err
	})
}

// readSecret reads the secret that dispatcher and runner share; no file is no secret.
func readSecret(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("runner-secret-file: %w", err)
	}
	secret := strings.TrimSpace(string(text))
	if len(secret) < 16 {
		return "", events.Faultf(events.Invalid, "runner-secret-file", "holds fewer than 16 characters: put a long random text into it")
	}
	return secret, nil
}
