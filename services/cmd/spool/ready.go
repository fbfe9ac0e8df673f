package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/events/wait"
)

// readyQuestion asks a process how it is, without a token: for probes, which run beside it and
// have its environment.
type readyQuestion struct {
	url     string
	tlsCert string
	alive   bool
	wait    time.Duration
}

func readyCommand() *cobra.Command {
	q := &readyQuestion{}
	cmd := &cobra.Command{
		Use:   "ready",
		Short: "Ask a process whether it is ready, for probes and scripts: exit status 0 when it is",
		Long: `Ask the process that listens at --url whether it is ready, and print what it waits for. It needs
no token. The exit status is 0 when it is ready, else 1.`,
		Example: "  spool ready\n  spool ready --wait 1m\n  spool ready --alive --url http://10.0.0.5:8081",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("url") && q.tlsCert != "" {
				q.url = "https://127.0.0.1:8080"
			}
			return q.ask(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&q.url, "url", "http://127.0.0.1:8080", "where the process listens: its --listen")
	f.StringVar(&q.tlsCert, "tls-cert", "", "the certificate that the process shows, a PEM file; it may be for any name (default: one for the host of --url that this system trusts)")
	f.BoolVar(&q.alive, "alive", false, "ask only whether it lives (/healthz)")
	durationVar(f, &q.wait, "wait", 0, "ask again for so long until the answer is yes, such as 1m")
	return cmd
}

// ask asks until the answer is yes, or the wait is over.
func (q *readyQuestion) ask(ctx context.Context) error {
	client, err := q.client()
	if err != nil {
		return err
	}
	end := time.Now().Add(q.wait)
	for {
		err := q.once(ctx, client)
		if err == nil || !time.Now().Before(end) || wait.Sleep(ctx, 500*time.Millisecond) != nil {
			return err
		}
	}
}

func (q *readyQuestion) client() (*http.Client, error) {
	client := &http.Client{Timeout: 5 * time.Second}
	if q.tlsCert == "" {
		return client, nil
	}
	text, err := os.ReadFile(q.tlsCert)
	if err != nil {
		return nil, fmt.Errorf("tls-cert: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("tls-cert: %s holds no certificate, as PEM", q.tlsCert)
	}
	client.Transport = &http.Transport{TLSClientConfig: &tls.Config{
		InsecureSkipVerify: true, // the name is not looked at; the certificate itself is
		VerifyPeerCertificate: func(shown [][]byte, _ [][]*x509.Certificate) error {
			if len(shown) == 0 || !bytes.Equal(shown[0], block.Bytes) {
				return fmt.Errorf("the certificate is not that of %s: the process may have to be started anew", q.tlsCert)
			}
			return nil
		},
	}}
	return client, nil
}

func (q *readyQuestion) once(ctx context.Context, client *http.Client) error {
	path := "/readyz"
	if q.alive {
		path = "/healthz"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(q.url, "/")+path, nil)
	if err != nil {
		return fmt.Errorf("url: %w", err)
	}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%s does not answer: %w", q.url, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("%s does not answer: %w", q.url, err)
	}
	if res.StatusCode == http.StatusOK {
		return nil
	}
	var said struct {
		NotReady map[string]any `json:"not_ready"`
	}
	_ = json.Unmarshal(text, &said) // what is no JSON gives no reasons
	var reasons []string
	for _, part := range slices.Sorted(maps.Keys(said.NotReady)) {
		reasons = append(reasons, fmt.Sprintf("%s: %v", part, said.NotReady[part]))
	}
	return errors.New(q.url + " is not ready: " + cmp.Or(strings.Join(reasons, "; "), res.Status))
}
