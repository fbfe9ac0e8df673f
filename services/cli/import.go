package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/events"
	"spool.internal/events/atomicfile"
	"spool.internal/events/schedule"
	"spool.internal/services/importer"
	"spool.internal/services/importer/crontab"
	"spool.internal/services/importer/instabase"
	"spool.internal/services/importer/kubernetes"
	"spool.internal/services/importer/manifest"
	"spool.internal/services/importer/systemd"
)

// imports are what all sources have in common.
type imports struct {
	outputs             []string
	timezone, managedBy string
	all                 bool
	out                 printer
	file                string // that the jobs are written to; empty: stdout

	user   string // of a crontab
	system bool   // a user stands before each command

	read func(i *imports, sources []importer.Source, o importer.Options) *importer.Import
	find func(names []string) ([]string, error)
}

func importCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "import", Short: "Make files for spool jobs apply out of what other schedulers keep",
		Long: `Make files for spool jobs apply out of what other schedulers keep. No server is asked, and
nothing is changed. Of each line of a source it is said what became of it: taken, taken with
a warning, or refused, with the reason.

  spool import crontab /etc/cron.d -o jobs.yaml
  spool jobs apply -f jobs.yaml --shadow
  spool shadow report --journal <(journalctl -t CRON -o short-iso)

The jobs are made disabled. When crond's lines are gone, spool jobs enable starts them.`,
	}
	cmd.AddCommand(importCrontab(), importSystemd(), importKubernetes(), importInstabase())
	return cmd
}

func importCrontab() *cobra.Command {
	i := &imports{find: regular, read: func(i *imports, sources []importer.Source, o importer.Options) *importer.Import {
		got := &importer.Import{}
		for _, s := range sources {
			t := crontab.Table{Options: o, User: i.user}
			t.Kind, t.User = crontab.Of(s.Name)
			if i.user != "" {
				t.User = i.user
			}
			if i.system {
				t.Kind = crontab.System
			}
			got.Add(crontab.Parse(s, t))
		}
		return got
	}}
	cmd := i.command("crontab FILE|DIR|-…", "Import crontabs: of users, /etc/crontab and /etc/cron.d",
		"  crontab -l | spool import crontab - --user ann -o jobs.yaml\n  spool import crontab /etc/crontab /etc/cron.d -o jobs.yaml")
	cmd.Flags().StringVar(&i.user, "user", "", "whose crontab it is (default: the name of a file in a folder crontabs)")
	cmd.Flags().BoolVar(&i.system, "system", false, "a user stands before each command, as in /etc/crontab and /etc/cron.d, where that is known")
	return cmd
}

func importSystemd() *cobra.Command {
	i := &imports{find: units, read: func(_ *imports, sources []importer.Source, o importer.Options) *importer.Import {
		return systemd.Parse(sources, o)
	}}
	return i.command("systemd FILE.timer|DIR…", "Import timers of systemd, with the services beside them",
		"  spool import systemd /etc/systemd/system/backup.timer -o jobs.yaml")
}

func importKubernetes() *cobra.Command {
	i := &imports{find: documents, read: func(_ *imports, sources []importer.Source, o importer.Options) *importer.Import {
		got := &importer.Import{}
		for _, s := range sources {
			got.Add(kubernetes.Parse(s, o))
		}
		return got
	}}
	return i.command("k8s FILE|DIR|-…", "Import CronJobs of Kubernetes", "  kubectl get cronjobs -A -o yaml | spool import k8s - -o jobs.yaml")
}

func importInstabase() *cobra.Command {
	i := &imports{find: documents, read: func(_ *imports, sources []importer.Source, o importer.Options) *importer.Import {
		got := &importer.Import{}
		for _, s := range sources {
			got.Add(instabase.Parse(s, o))
		}
		return got
	}}
	return i.command("instabase FILE|-…", "Import what GET /api/v1/scheduler/list_jobs of Instabase, or of another Spool, answers",
		"  curl -H \"Authorization: Bearer $TOKEN\" $OLD/api/v1/scheduler/list_jobs | spool import instabase - -o jobs.yaml")
}

func (i *imports) command(use, short, example string) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Example: example, Args: cobra.MinimumNArgs(1)}
	i.out.now = time.Now
	set := cmd.Flags()
	set.StringArrayVarP(&i.outputs, "output", "o", nil, "file for the jobs (default: stdout); or table or json: how it is said what became of each line. May be given twice")
	set.StringSliceVar(&i.out.columns, "columns", nil, "columns of the table: file, line, verdict, job, reason, text")
	set.BoolVar(&i.out.noHeader, "no-header", false, "leave out the first line of the table")
	set.BoolVar(&i.all, "all", false, "show blank lines and comments, too")
	set.StringVar(&i.timezone, "timezone", "", "zone of the host that the source is of, such as Europe/Paris (default: this host's)")
	set.StringVar(&i.managedBy, "managed-by", "", "managed_by of the file (default: the kind of the source and this host)")
	finish(cmd, i.check, func(cmd *cobra.Command, args []string) error { return i.run(cmd, args) })
	return cmd
}

func (i *imports) check() error {
	i.out.form = "table"
	for _, o := range i.outputs {
		switch {
		case o == "table" || o == "json":
			i.out.form = o
		case i.file != "":
			return fmt.Errorf("output: %s and %s are both files: give one", i.file, o)
		default:
			i.file = o
		}
	}
	if i.timezone == "" {
		i.timezone = hostZone()
	}
	_, err := schedule.LoadLocation(i.timezone)
	if err != nil {
		return fmt.Errorf("timezone: %w", err)
	}
	return nil
}

func (i *imports) run(cmd *cobra.Command, args []string) error {
	s := newSession(cmd, &i.out)
	sources, err := i.sources(s, args)
	if err != nil {
		return err
	}
	got := i.read(i, sources, importer.Options{Zone: i.timezone, Now: i.out.now()})
	var jobs []events.Object
	for _, j := range got.Jobs {
		jobs = append(jobs, j.Member())
	}
	if i.managedBy == "" {
		host, _ := os.Hostname() // without one it is the kind alone
		i.managedBy = strings.Trim(cmd.Name()+"@"+host, "@")
	}
	text, err := manifest.Write(i.comment(got, args), i.managedBy, jobs)
	if err != nil {
		return err
	}
	if i.file != "" {
		if err := atomicfile.Write(i.file, text, 0o600); err != nil {
			return err
		}
	} else if i.out.form != "json" {
		if _, err := i.out.w.Write(text); err != nil {
			return err
		}
		i.out.w, i.out.terminal = s.err, isTerminal(s.err) // the account goes beside
	}
	return i.tell(s, got, jobs)
}

// sources reads what the arguments name.
func (i *imports) sources(s *session, args []string) (sources []importer.Source, err error) {
	var names []string
	for _, arg := range args {
		if arg == "-" {
			names = append(names, arg)
			continue
		}
		info, err := os.Stat(arg)
		if err != nil {
			return nil, failure(NotFound, "%w", err)
		}
		if !info.IsDir() && s.cmd.Name() != "systemd" {
			names = append(names, arg)
			continue
		}
		found, err := i.find([]string{arg})
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, failure(NotFound, "there is nothing to import in %s", arg)
		}
		names = append(names, found...)
	}
	for n, name := range names {
		if slices.Contains(names[:n], name) {
			continue
		}
		var text []byte
		if name == "-" {
			name = "stdin"
			text, err = io.ReadAll(io.LimitReader(s.in, longestSource))
		} else {
			text, err = os.ReadFile(name)
		}
		if err != nil {
			return nil, err
		}
		sources = append(sources, importer.Source{Name: name, Text: text})
	}
	return sources, nil
}

// longestSource bounds what is read from stdin.
const longestSource = 64 << 20

// comment stands at the top of the file.
func (i *imports) comment(got *importer.Import, args []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Made by spool import of %s, in the zone %s.\n", clean(strings.Join(args, " ")), i.timezone)
	if text := got.ProfileText(); text != "" {
		fmt.Fprintf(&b, "\nAn administrator has to declare these profiles (--profiles FILE) before the jobs can be made.\n"+
			"A line \"owners NAME\" lets somebody else than an administrator name one.\n\n%s", text)
	}
	return b.String()
}

// tell says what became of each line, and what is to be done.
func (i *imports) tell(s *session, got *importer.Import, jobs []events.Object) error {
	if err := i.account(s, got, jobs); err != nil {
		return err
	}
	taken, warned, refused := got.Count(importer.Taken), got.Count(importer.Warning), got.Count(importer.Refused)
	fmt.Fprintf(s.err, "%d lines: %d taken, %d with a warning, %d refused, %d blank, comments and frames; %d jobs, disabled at first.\n",
		len(got.Lines), taken, warned, refused, got.Count(importer.Nothing), len(jobs))
	for _, note := range got.Notes {
		fmt.Fprintln(s.err, "Note:", clean(note))
	}
	if text := got.ProfileText(); text != "" {
		fmt.Fprintf(s.err, "An administrator has to declare these profiles (--profiles FILE):\n\n%s\n", cleanLines(text))
	}
	switch {
	case refused > 0 && len(jobs) > 0:
		return &Error{Exit: Partly, error: fmt.Errorf("%d of %d lines are refused", refused, len(got.Lines))}
	case refused > 0:
		return &Error{Exit: Refused, error: fmt.Errorf("%d of %d lines are refused, and there is no job", refused, len(got.Lines))}
	}
	return nil
}

func (i *imports) account(s *session, got *importer.Import, jobs []events.Object) error {
	if i.out.form == "json" {
		list := make([]json.RawMessage, len(jobs))
		for n, job := range jobs {
			list[n] = events.Encode(job)
		}
		return i.out.json(events.Encode(struct {
			*importer.Import
			Jobs []json.RawMessage `json:"jobs"`
		}{got, list}))
	}
	t := table[importer.Line]{
		columns: []column[importer.Line]{
			{"file", func(l importer.Line) string { return filepath.Base(l.File) }},
			{"line", func(l importer.Line) string { return fmt.Sprint(l.Line) }},
			{"verdict", func(l importer.Line) string { return string(l.Verdict) }},
			{"job", func(l importer.Line) string { return strings.Join(l.Keys, " ") }},
			{"reason", func(l importer.Line) string { return strings.Join(l.Reasons, "; ") }},
			{"text", func(l importer.Line) string { return strings.TrimSpace(l.Text) }},
		},
		shown: 5, empty: "there is no line",
	}
	return list(s, t, func(yield func(row[importer.Line], error) bool) {
		for _, l := range got.Lines {
			if l.Verdict == importer.Nothing && !i.all {
				continue
			}
			if !yield(row[importer.Line]{value: l}, nil) {
				return
			}
		}
	})
}
