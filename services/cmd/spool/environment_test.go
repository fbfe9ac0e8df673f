package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestEnvironment(t *testing.T) {
	for _, c := range []struct {
		name, assignment, warning string
	}{
		{"a flag of this command", "SPOOL_TIMEZONE=Europe/Paris", ""},
		{"a flag of another", "SPOOL_FLOWS=4", ""},
		{"a flow's own", "SPOOL_RUN_ID=1", ""},
		{"a flow's file", "SPOOL_NAME=scan.pdf", ""},
		{"a typing error", "SPOOL_FLOW=4", "spool: warning: SPOOL_FLOW in the environment means nothing to this program: did you mean SPOOL_FLOWS?\n"},
		{"nonsense", "SPOOL_ZEBRA=1", "spool: warning: SPOOL_ZEBRA in the environment means nothing to this program\n"},
		{"Kubernetes", "SPOOL_PORT=tcp://10.0.0.1:80", "spool: warning: SPOOL_PORT in the environment means nothing to this program: Kubernetes sets it for a service called spool, unless its pods have enableServiceLinks: false\n"},
		{"Kubernetes, too", "SPOOL_SERVICE_PORT_HTTP=80", "spool: warning: SPOOL_SERVICE_PORT_HTTP in the environment means nothing to this program: Kubernetes sets it for a service called spool, unless its pods have enableServiceLinks: false\n"},
		{"Kubernetes, a second service", "SPOOL_NATS_PORT_4222_TCP_ADDR=10.0.0.1", "spool: warning: SPOOL_NATS_PORT_4222_TCP_ADDR in the environment means nothing to this program: Kubernetes sets it for a service called spool, unless its pods have enableServiceLinks: false\n"},
		{"somebody else's", "SPOOLER=1", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			name, value, _ := strings.Cut(c.assignment, "=")
			t.Setenv(name, value)
			var out, errs bytes.Buffer
			root := command()
			root.SetArgs([]string{"schedule", "next", "0 9 * * *", "--from", "2026-07-01T00:00:00Z", "--count", "1"})
			root.SetOut(&out)
			root.SetErr(&errs)
			if err := root.Execute(); err != nil {
				t.Fatal(err)
			}
			if errs.String() != c.warning {
				t.Errorf("stderr %q, want %q", errs.String(), c.warning)
			}
			want := "2026-07-01T09:00:00Z\n"
			if name == "SPOOL_TIMEZONE" {
				want = "2026-07-01T07:00:00Z\n"
			}
			if out.String() != want {
				t.Errorf("stdout %q, want %q", out.String(), want)
			}
		})
	}
}
