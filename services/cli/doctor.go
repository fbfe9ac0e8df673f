package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/events/system"
	"spool.internal/gateway/client"
	"spool.internal/services/cli/doctor"
)

// Probes are what a doctor asks of parts of the program that are not in this package.
type Probes struct {
	Lacks func() ([]string, error)      // what flows could not be kept from on this host
	Store func(data string) system.Line // how the store of a stopped server is
}

// examinePatience is how long a server may take to say how it is.
const examinePatience = 15 * time.Second

// DoctorCommand looks at a server and at the machine that it runs on.
func DoctorCommand(probes Probes) *cobra.Command {
	var r remote
	var o doctor.Options
	p := &printer{}
	cmd := &cobra.Command{
		Use: "doctor", Short: "Look for what is wrong with a server and its machine, and say what to do", Args: cobra.NoArgs,
		Long: `Look for what is wrong with a server and its machine, and say what to do. The parts of the
server are those of spool system; beside them it looks at what only this machine can see:
who may read the data folder, disks, limits, the clock, certificates, and what keeps flows
in. Without a server it looks at the folder and the machine alone.

Exit status 1 says that something is wrong.`,
		Example: "  spool doctor\n  spool doctor --data /var/lib/spool -o json",
	}
	r.declare(cmd.Flags())
	p.declare(cmd.Flags())
	cmd.Flags().StringVar(&o.Drives, "drives", "", "folder with the drives (default DATA/drives)")
	cmd.Flags().StringVar(&o.Certificate, "tls-cert", "", "certificate of the server, a PEM file")
	finish(cmd, p.check, func(cmd *cobra.Command, _ []string) error {
		o.Lacks = probes.Lacks
		lines, there := askServer(cmd, &r, p)
		if o.Data = folderOf(&r, there); o.Drives != "" {
			o.Drives, _ = filepath.Abs(o.Drives)
		}
		lines = append(lines, doctor.Look(o)...)
		if !there && probes.Store != nil {
			lines = append(lines, probes.Store(r.data))
		}
		lines = onlyOnce(lines)
		system.Sort(lines)
		if err := diagnose(newSession(cmd, p), lines); err != nil {
			return err
		}
		if worst := system.Worst(lines); worst.Wrong() {
			return &Error{Exit: Failed, Silent: true, error: fmt.Errorf("the worst part is %s", worst)}
		}
		return nil
	})
	return cmd
}

// folderOf is the data folder that is to be looked at; "" where the server answers from
// elsewhere.
func folderOf(r *remote, there bool) string {
	if _, err := os.Stat(r.data); err != nil && there && r.said("data") == unsaid {
		return ""
	}
	if whole, err := filepath.Abs(r.data); err == nil {
		return whole
	}
	return r.data
}

// askServer gives the lines of a server, and one about itself; there reports whether it
// answered.
func askServer(cmd *cobra.Command, r *remote, p *printer) (lines []system.Line, there bool) {
	at, err := r.find()
	if err != nil {
		return []system.Line{noAnswer(err)}, false
	}
	s, err := open(cmd, at, p)
	if err != nil {
		return []system.Line{noAnswer(err)}, false
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), examinePatience)
	defer cancel()
	begun := time.Now()
	got, err := read[struct {
		Name, Version string
		Time          time.Time
		Parts         []system.Line
	}](s.GetSystem(ctx, &client.GetSystemParams{}))
	if err != nil {
		refused, ok := errors.AsType[*client.Error](err)
		return []system.Line{noAnswer(s.explain(err))}, ok && refused.Status < 500
	}
	v := got.value
	own := system.Line{Name: "server", Kind: system.KindServer, State: system.OK, Version: v.Version, Detail: at.url, Means: "It answers, of version " + v.Version + "."}
	if here := cmd.Root().Version; v.Version != here {
		own.State, own.Todo = system.Warning, "Use the program of the server's version: what the one says the other may not know."
		own.Means = fmt.Sprintf("It is of version %s, and this program of %s.", v.Version, here)
	}
	lines = append(v.Parts, own)
	clock := system.Offset(time.Since(begun)/2 + begun.Sub(v.Time))
	clock.Name = "clock here"
	lines = append(lines, clock)
	if l, ok := presented(ctx, at.url); ok {
		lines = append(lines, l)
	}
	return lines, true
}

func noAnswer(err error) system.Line {
	return system.Line{
		Name: "server", Kind: system.KindServer, State: system.Failed, Detail: err.Error(),
		Means: "It does not say how it is; what follows is what this machine can see.",
		Todo:  "Start it (spool serve), or say by --url or --data which one is meant.",
	}
}

// presented looks at the certificate that a server presents. Nothing is sent to it, so
// that whoever it is may be looked at.
func presented(ctx context.Context, at string) (l system.Line, ok bool) {
	u, err := url.Parse(at)
	if err != nil || u.Scheme != "https" {
		return l, false
	}
	dialer := tls.Dialer{Config: &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}} //nolint:gosec // it is only looked at
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "443")))
	if err != nil {
		return l, false
	}
	defer conn.Close()
	all := conn.(*tls.Conn).ConnectionState().PeerCertificates
	if len(all) == 0 {
		return l, false
	}
	l = system.Certificate(all[0].NotAfter, time.Now())
	l.Name, l.Detail = "certificate as presented", u.Host
	return l, true
}

// onlyOnce leaves out what the server has said of this machine already.
func onlyOnce(lines []system.Line) (all []system.Line) {
	for _, l := range lines {
		same := func(o system.Line) bool {
			return o.Kind == system.KindDisk && o.Name == l.Name && o.Detail == l.Detail && o.Host == l.Host
		}
		if !slices.ContainsFunc(all, same) {
			all = append(all, l)
		}
	}
	return all
}

// diagnosis is what -o json prints.
type diagnosis struct {
	State system.State  `json:"state"`
	Parts []system.Line `json:"parts"`
}

// diagnose prints the lines, in the form that was asked for.
func diagnose(s *session, lines []system.Line) error {
	p := s.out
	switch p.form {
	case "json", "yaml":
		return p.data(encode(diagnosis{system.Worst(lines), lines}))
	case "name":
		for _, l := range lines {
			if err := p.line("%s", clean(l.Name)); err != nil {
				return err
			}
		}
		return nil
	}
	var parts []client.SystemPart
	if err := json.Unmarshal(encode(lines), &parts); err != nil {
		return err
	}
	if p.terminal && len(p.columns) == 0 {
		return p.spread(lines)
	}
	table := partTable(p).plain()
	shown, err := choose(table, p.columns)
	if err != nil {
		return err
	}
	return p.table(heading(table, shown), cellsOf(partRows(parts), shown), s.err)
}

// spread prints a line for each part, and below it what to do.
func (p *printer) spread(lines []system.Line) error {
	for _, l := range lines {
		if err := p.line("%s  %s: %s", p.painted(fmt.Sprintf("%-7s", l.State), false), clean(l.Name), clean(l.Means)); err != nil {
			return err
		}
		if l.State == system.OK {
			continue
		}
		for _, more := range []string{l.Detail, l.Todo} {
			if more == "" {
				continue
			}
			if err := p.line("         %s", clean(more)); err != nil {
				return err
			}
		}
	}
	return nil
}
