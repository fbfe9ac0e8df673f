package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// deploy is where the files are that others run Spool with.
const deploy = "../../../deploy"

// Every alert names a runbook that is there, and every runbook the alerts that lead to it.
func TestAlertsHaveRunbooks(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(deploy, "prometheus/spool.rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert       string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(text, &rules); err != nil {
		t.Fatal(err)
	}
	leads := map[string]string{} // alert → runbook
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			leads[r.Alert] = r.Annotations["runbook"]
			if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s says nothing", r.Alert)
			}
		}
	}
	if len(leads) < 12 {
		t.Fatalf("only %d alerts", len(leads))
	}
	named := regexp.MustCompile("`(Spool[A-Z]\\w+)`")
	pages, _ := filepath.Glob(filepath.Join(deploy, "runbooks/*.md"))
	says := map[string]string{}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			says[m[1]] = filepath.Base(page)
		}
	}
	for alert := range leads {
		if says[alert] != leads[alert] || leads[alert] == "" {
			t.Errorf("%s leads to %q, and is named by %q", alert, leads[alert], says[alert])
		}
	}
	for alert, page := range says {
		if leads[alert] == "" {
			t.Errorf("%s names %s, which is no alert", page, alert)
		}
	}
}

// Every command that a runbook, a unit or a file beside them gives is one of this program, with
// flags that it has.
func TestDeployedCommandsExist(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, pattern := range []string{"runbooks/*.md", "README.md", "*/README.md", "systemd/*.service", "docker/*", "kustomize/*/kustomization.yaml", "nats/*"} {
		files, err := filepath.Glob(filepath.Join(deploy, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range commandsIn(string(text)) {
				seen++
				if err := exists(line); err != nil {
					t.Errorf("%s: %s: %v", filepath.Base(file), line, err)
				}
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d commands were looked at", seen)
	}
}

var (
	// A command begins a line (perhaps behind ExecStart= and the like, a comment sign or a prompt), or is code in a sentence.
	lineCommand = regexp.MustCompile(`(?m)^(?:#?\s*|ExecStart=|\$ )(?:exec )?(?:/usr/bin/|bin/)?spool ((?:[a-z%][\w%-]*|--)(?: .*)?)$`)
	codeCommand = regexp.MustCompile("`(?:bin/)?spool ([a-z][^`\n]*)`")
)

func commandsIn(text string) (all []string) {
	for _, m := range append(lineCommand.FindAllStringSubmatch(text, -1), codeCommand.FindAllStringSubmatch(text, -1)...) {
		line, _, _ := strings.Cut(m[1], "  ") // a remark is two blanks away
		for _, end := range []string{" |", " #", ";", " &&", " >", " …"} {
			line, _, _ = strings.Cut(line, end)
		}
		all = append(all, strings.TrimSpace(line))
	}
	return all
}

// exists says what is not there of a command line.
func exists(line string) error {
	words := strings.Fields(line)
	if words[0] == "%i" { // a role
		words[0] = "broker"
	}
	cmd, rest, err := command().Find(words)
	if err != nil {
		return err
	}
	if cmd.HasSubCommands() && (len(rest) == 0 || !strings.HasPrefix(rest[0], "-")) && !cmd.Runnable() {
		return fmt.Errorf("%s is a group of commands", cmd.CommandPath())
	}
	for _, word := range rest {
		name, _, _ := strings.Cut(word, "=")
		switch {
		case strings.HasPrefix(name, "--"):
			if cmd.Flags().Lookup(name[2:]) == nil && cmd.InheritedFlags().Lookup(name[2:]) == nil && name != "--" && name != "--help" {
				return fmt.Errorf("%s has no %s", cmd.CommandPath(), name)
			}
		case len(name) == 2 && name[0] == '-' && name != "-f":
			if cmd.Flags().ShorthandLookup(name[1:]) == nil {
				return fmt.Errorf("%s has no %s", cmd.CommandPath(), name)
			}
		}
	}
	return nil
}

// Every metric that an alert or the dashboard names is one that a running spool exports.
func TestDeployedMetricsAreExported(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	certificate, key := keyPair(t, p.api)
	p.serve("--tls-cert", certificate, "--tls-key", key)
	exported := map[string]bool{}
	p.eventually("all metrics are exported", func() bool {
		for name := range p.metrics() {
			exported[name] = true
		}
		return exported["spool_stream_leader"]
	})
	named := map[string][]string{}
	name := regexp.MustCompile(`\bspool_[a-z_]+`)
	for _, file := range []string{"prometheus/spool.rules.yml", "grafana/spool.json"} {
		text, err := os.ReadFile(filepath.Join(deploy, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range name.FindAllString(string(text), -1) {
			named[m] = append(named[m], file)
		}
	}
	if len(named) < 20 {
		t.Errorf("only %d metrics are named", len(named))
	}
	// Figures by label, which are not there before they have counted once.
	for metric, file := range map[string]string{
		"spool_cron_verdicts_total": "cron/meter.go", "spool_dispatcher_calls_total": "services/dispatcher/meter.go", "spool_http_refused_total": "services/daemon/process.go",
		"spool_runs_waiting_for_machine": "services/runner/takeover.go",
	} {
		text, err := os.ReadFile(filepath.Join("../../..", file))
		exported[metric] = err == nil && strings.Contains(string(text), `Name: "`+metric+`"`)
	}
	for _, m := range slices.Sorted(maps.Keys(named)) {
		if !exported[strings.TrimSuffix(m, "_bucket")] {
			t.Errorf("%s is not exported, and %s names it", m, named[m][0])
		}
	}
}

// metrics are the names of what /metrics of this harness's spool describes.
func (p *harness) metrics() map[string]bool {
	p.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	res, err := client.Get("https://" + p.api + "/metrics")
	if err != nil {
		return nil
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.Fatal(err)
	}
	all := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 2 && f[1] == "TYPE" {
			all[f[2]] = true
		}
	}
	return all
}

// A backup is what the age of the last one is told by.
func TestBackupIsNoted(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	p.serve()
	if got := lastBackup(p.data); got != 0 {
		t.Errorf("before the first: %v", got)
	}
	began := time.Now().Add(-time.Second)
	if out, err := exec.Command(binary, "backup", "--data", p.data, "-o", filepath.Join(t.TempDir(), "b")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got := lastBackup(p.data); got < float64(began.Unix()) {
		t.Errorf("the last was at %v, it began at %d", got, began.Unix())
	}
}
