package cli

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/gateway/client"
)

// serverPatience is how long spool version waits for a server.
const serverPatience = 2 * time.Second

// versions are those of this program, and of the server where one is reached.
type versions struct {
	Version string         `json:"version"`
	Go      string         `json:"go"`
	System  string         `json:"system"`
	Server  *serverVersion `json:"server,omitempty"`
}

type serverVersion struct {
	URL     string `json:"url"`
	Name    string `json:"name,omitempty"`
	Version string `json:"version"`
}

// versionCommand prints versions. A server is no condition: it may be what does not start.
func versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version with its commit, the date of the commit, and the Go and system it was built for; and that of the server, where one is reached",
		Args: cobra.NoArgs,
	}
	var r remote
	offline(cmd, func(ctx context.Context, s *session, _ []string) error {
		v := versions{Version: cmd.Root().Version, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
		v.Server = versionOfServer(ctx, cmd, &r)
		text := fmt.Sprintf("spool %s\n%s %s", v.Version, v.Go, v.System)
		if v.Server != nil {
			text += fmt.Sprintf("\nthe server at %s: %s", clean(v.Server.URL), clean(v.Server.Version))
		}
		return s.out.made(encode(v), v.Version, "%s", text)
	})
	r.declare(cmd.Flags())
	return cmd
}

// versionOfServer asks the server, if there is one; what keeps it from answering is another
// command's to say.
func versionOfServer(ctx context.Context, cmd *cobra.Command, r *remote) *serverVersion {
	at, err := r.find()
	if err != nil {
		return nil
	}
	s, err := open(cmd, at, &printer{})
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, serverPatience)
	defer cancel()
	me, err := read[client.Me](s.GetMe(ctx))
	if err != nil {
		return nil
	}
	return &serverVersion{at.url, value(me.value.Server.Name), me.value.Server.Version}
}
