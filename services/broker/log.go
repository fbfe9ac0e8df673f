package broker

import (
	"fmt"
	"log/slog"
	"os"
)

// bridge passes the server's log on. The server formats its own messages; they
// are one attribute here.
type bridge struct{ log *slog.Logger }

func (b bridge) Noticef(f string, a ...any) { b.log.Debug("NATS notice", "text", fmt.Sprintf(f, a...)) }

func (b bridge) Warnf(f string, a ...any) { b.log.Warn("NATS warning", "text", fmt.Sprintf(f, a...)) }

func (b bridge) Errorf(f string, a ...any) { b.log.Error("NATS error", "text", fmt.Sprintf(f, a...)) }

func (b bridge) Debugf(f string, a ...any) { b.log.Debug("NATS debug", "text", fmt.Sprintf(f, a...)) }
func (b bridge) Tracef(string, ...any)     {}

// Fatalf ends the process, as the server expects of it: it goes on to rely on what is not there.
func (b bridge) Fatalf(f string, a ...any) {
	b.log.Error("NATS cannot go on", "text", fmt.Sprintf(f, a...))
	os.Exit(1)
}
