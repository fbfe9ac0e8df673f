package broker

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events/jet"
)

// A command reaches the server of a data folder without a port, as its owner only, however long the
// path of the folder is, and again after the server was opened anew.
func TestControl(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"short": t.TempDir(), "long": filepath.Join(t.TempDir(), strings.Repeat("long", 50))} {
		t.Run(name, func(t *testing.T) {
			b := start(t, dir, "")
			if info, err := os.Stat(filepath.Join(dir, controlFile)); err != nil || info.Mode().Perm() != 0o600 {
				t.Fatalf("the socket: %v, %v", info, err)
			}
			a, err := Control(t.Context(), dir, "")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(a.Close)
			js, err := jetstream.New(a.NATS())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := js.Stream(t.Context(), jet.JobsStream); err != nil {
				t.Error(err)
			}
			if m, err := a.System().RequestWithContext(t.Context(), "$SYS.REQ.SERVER.PING.VARZ", nil); err != nil || !strings.Contains(string(m.Data), `"server_name"`) {
				t.Errorf("the system account: %v, %v", m, err)
			}
			if err := b.Close(context.Background()); err != nil {
				t.Error(err)
			}
			if _, err := Control(t.Context(), dir, ""); err == nil || !strings.Contains(err.Error(), "no spool runs with --data "+dir) {
				t.Errorf("after the end: %v", err)
			}
		})
	}
}
