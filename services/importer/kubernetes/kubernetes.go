// Package kubernetes imports CronJobs, as kubectl get cronjobs -o yaml or a file of
// manifests has them.
//
// A job of Spool is a command on a host and no container: the command and its arguments
// are taken, and the account says which image they came from. What a CronJob does by
// default is said where Spool does it differently.
package kubernetes

import (
	"fmt"
	"strconv"
	"strings"

	"spool.internal/events"
	"spool.internal/events/schedule"
	"spool.internal/services/importer"
	"spool.internal/services/importer/manifest"
)

// reader reads one file.
type reader struct {
	importer.Options
	importer.Fields
	got  *importer.Import
	keys *importer.Keys
}

// Parse reads the CronJobs of a file.
func Parse(s importer.Source, o importer.Options) *importer.Import {
	r := &reader{Options: o, Fields: importer.Fields{Account: importer.NewAccount(s)}, got: &importer.Import{}, keys: &importer.Keys{}}
	docs, err := manifest.Read(s.Text)
	if err != nil {
		for n, text := range r.Texts() {
			if strings.TrimSpace(text) != "" {
				r.Say(n+1, importer.Refused, "", "the file "+err.Error())
			}
		}
	}
	for _, doc := range docs {
		r.document(doc)
	}
	r.got.Lines = continued(r.Lines())
	return r.got
}

// continued gives the lines of a text that goes over several the verdict of its first.
func continued(lines []importer.Line) []importer.Line {
	for i := 1; i < len(lines); i++ {
		l, before := &lines[i], lines[i-1]
		text := strings.TrimSpace(l.Text)
		if l.Verdict == importer.Nothing && len(l.Keys) == 0 && text != "" && text[0] != '#' && text != "---" && text != "..." {
			l.Verdict, l.Keys = before.Verdict, before.Keys
		}
	}
	return lines
}

func (r *reader) document(doc *manifest.Node) {
	kind, _ := doc.Get("kind").Text()
	api, _ := doc.Get("apiVersion").Text()
	r.Key = ""
	switch {
	case doc.Kind == manifest.Object && strings.HasSuffix(kind, "List") && doc.Get("items") != nil:
		for _, m := range doc.Members {
			r.Frame(m.Value)
		}
		for _, item := range doc.Get("items").Items {
			r.document(item)
		}
	case kind != "CronJob":
		if kind == "" {
			kind = "a document without a kind"
		}
		r.Refuse(doc, kind+" is no CronJob")
	case !strings.HasPrefix(api, "batch/"):
		r.Refuse(doc, fmt.Sprintf("apiVersion %q is not batch/v1", api))
	default:
		r.cronJob(doc)
	}
}

// clusters are what a cluster writes into metadata.
var clusters = []string{"creationTimestamp", "uid", "resourceVersion", "generation", "managedFields", "selfLink"}

// cronJob is a CronJob on its way to a job.
type cronJob struct {
	*reader
	job     *importer.Job
	profile string
	grants  []string // the lines of that
	secret  []string // variables whose values are in the cluster
	broken  bool
}

func (c *cronJob) fail(n *manifest.Node, reason string) {
	c.broken = true
	c.Refuse(n, reason)
}

func (r *reader) cronJob(doc *manifest.Node) {
	c := &cronJob{reader: r, job: &importer.Job{}}
	meta := doc.Get("metadata")
	name, _ := meta.Get("name").Text()
	space, _ := meta.Get("namespace").Text()
	word := "k8s." + importer.Slug(name)
	if space != "" {
		word = "k8s." + importer.Slug(space) + "." + importer.Slug(name)
		c.job.Tags = []string{space}
	}
	c.job.Key, c.job.Name = r.keys.Unique(word), name
	c.profile = importer.Slug(name)
	r.Key = c.job.Key
	for _, key := range []string{"apiVersion", "kind"} {
		r.Take(doc.Get(key))
	}
	r.Frame(meta)
	r.Take(meta.Get("name"))
	r.Take(meta.Get("namespace"))
	r.Rest(meta, "is not taken: tags (settings.tags) group jobs here", append([]string{"name", "namespace"}, clusters...)...)
	for _, key := range clusters {
		r.Warn(meta.Get(key), key+" is the cluster's and not taken")
	}
	r.Rest(doc, "is the cluster's and not taken", "apiVersion", "kind", "metadata", "spec")
	if name == "" {
		c.fail(doc, "has no name")
	}
	c.spec(doc.Get("spec"))
	c.end(doc)
}

// end makes the job, or says that there is none.
func (c *cronJob) end(doc *manifest.Node) {
	if !c.broken {
		if fault := c.job.Check(); fault != "" {
			c.fail(doc, fault)
		}
	}
	if c.broken {
		c.Drop(c.job.Key, "no job comes of it")
		return
	}
	for _, line := range c.grants {
		c.got.Grant(c.profile, line)
	}
	for _, warning := range c.job.Clocks(c.Now, "Kubernetes leaves out what does not exist, and runs twice what comes twice") {
		c.Warn(doc.At("spec", "schedule"), warning)
	}
	c.got.Jobs = append(c.got.Jobs, c.job)
}

func (c *cronJob) spec(spec *manifest.Node) {
	c.Frame(spec)
	c.schedule(spec)
	policy := spec.Get("concurrencyPolicy")
	c.job.Overlap = events.OverlapAllow
	switch text, _ := policy.Text(); text {
	case "", "Allow":
		c.Take(policy)
	case "Forbid":
		c.job.Overlap = events.OverlapSkip
		c.Take(policy)
	case "Replace":
		c.fail(policy, "ends the run before for the next, which Spool does not: Forbid leaves the next out, and spool.overlap queue lets it wait")
	default:
		c.fail(policy, text+" is unknown")
	}
	c.deadline(spec.Get("startingDeadlineSeconds"))
	if s := spec.Get("suspend"); s != nil {
		c.Take(s)
		if text, _ := s.Text(); text == "true" {
			c.Warn(s, "it is suspended: leave the job disabled until it is wanted")
		}
	}
	for _, key := range []string{"successfulJobsHistoryLimit", "failedJobsHistoryLimit"} {
		c.Warn(spec.Get(key), "Spool keeps results for 30 days, and 1,000 of a job")
	}
	c.Rest(spec, "is not taken", "schedule", "timeZone", "concurrencyPolicy", "startingDeadlineSeconds", "suspend",
		"successfulJobsHistoryLimit", "failedJobsHistoryLimit", "jobTemplate")
	c.template(spec.Get("jobTemplate"))
}

func (c *cronJob) schedule(spec *manifest.Node) {
	at := spec.Get("schedule")
	text, _ := at.Text()
	c.Take(at)
	for _, prefix := range []string{"CRON_TZ=", "TZ="} {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			c.job.Timezone, text, _ = strings.Cut(rest, " ")
			c.Warn(at, "the zone in it is that of the job; Kubernetes has timeZone for it")
		}
	}
	c.job.Schedule = strings.TrimSpace(text)
	switch _, err := schedule.Parse(c.job.Schedule, nil); {
	case at == nil:
		c.broken = true
		c.Refuse(spec, "has no schedule")
	case err != nil:
		c.fail(at, err.Error())
	}
	zone := spec.Get("timeZone")
	if name, ok := zone.Text(); ok {
		if _, err := schedule.LoadLocation(name); err != nil {
			c.fail(zone, err.Error())
			return
		}
		c.job.Timezone = name
		c.Take(zone)
	} else if c.job.Timezone == "" {
		c.job.Timezone = "UTC"
		c.Warn(at, "timeZone is not given, and the cluster's own is not known here: UTC is taken, which most have")
	}
}

// deadline is how late a run may start.
func (c *cronJob) deadline(n *manifest.Node) {
	c.job.CatchUp = events.CatchUpLatest
	text, ok := n.Text()
	if !ok {
		return
	}
	seconds, err := strconv.Atoi(text)
	switch {
	case err != nil:
		c.Refuse(n, text+" is no number of seconds")
	case seconds <= 60:
		c.job.CatchUp = events.CatchUpNone
		c.Warn(n, "catch_up is none: what is more than a minute late does not run")
	default:
		c.Warn(n, "catch_up is latest: what is late runs within 24 h, not within "+text+" s")
	}
}
