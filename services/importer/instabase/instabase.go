// Package instabase imports the jobs of an Instabase Scheduler, or of another Spool, from
// what GET /api/v1/scheduler/list_jobs answers.
//
// A job keeps its parameters as they are. Its token is masked in the list, so the
// manifest names a file that has to hold it; the results stay where they are.
package instabase

import (
	"strings"

	"spool.internal/events"
	"spool.internal/services/importer"
	"spool.internal/services/importer/manifest"
)

// TokenFile is the file, beside the manifest, that has to hold the token of the jobs.
const TokenFile = "instabase.token"

type reader struct {
	importer.Options
	importer.Fields
	got  *importer.Import
	keys *importer.Keys
}

// Parse reads an answer of list_jobs, or the list in it.
func Parse(s importer.Source, o importer.Options) *importer.Import {
	r := &reader{Options: o, Fields: importer.Fields{Account: importer.NewAccount(s)}, got: &importer.Import{}, keys: &importer.Keys{}}
	docs, err := manifest.Read(s.Text)
	var jobs *manifest.Node
	switch {
	case err != nil:
		r.refuseAll("the file " + err.Error())
	case len(docs) == 1 && docs[0].Kind == manifest.List:
		jobs = docs[0]
	case len(docs) == 1 && docs[0].Get("jobs") != nil && docs[0].Get("jobs").Kind == manifest.List:
		jobs = docs[0].Get("jobs")
		r.Frame(docs[0])
		r.Rest(docs[0], "is no job", "status", "jobs")
	case len(docs) == 1 && docs[0].Get("msg") != nil:
		msg, _ := docs[0].Get("msg").Text()
		r.refuseAll("is an answer that says: " + msg)
	default:
		r.refuseAll("is no answer of list_jobs: it has no list jobs")
	}
	if jobs != nil {
		for _, job := range jobs.Items {
			r.job(job)
		}
	}
	r.got.Lines = r.Lines()
	return r.got
}

func (r *reader) refuseAll(why string) {
	for n, text := range r.Texts() {
		if strings.TrimSpace(text) != "" {
			r.Say(n+1, importer.Refused, "", why)
		}
	}
}

func (r *reader) job(n *manifest.Node) {
	r.Key = ""
	parameters := n.Get("job_parameters")
	id, _ := n.Get("job_id").Text()
	if parameters == nil || parameters.Kind != manifest.Object || id == "" {
		r.Refuse(n, "is no job: it has no job_id or no job_parameters")
		return
	}
	j := &importer.Job{Key: r.keys.Unique("instabase." + id)}
	r.Key = j.Key
	j.Name, _ = n.Get("name").Text()
	if name, ok := parameters.Get("name").Text(); ok && j.Name == "" {
		j.Name = name
	}
	r.Take(n.Get("job_id"))
	r.Take(n.Get("name"))
	user, _ := n.Get("username").Text()
	r.Warn(n.Get("username"), "the owner is whoever applies the manifest, not "+user)
	if status, _ := n.Get("status").Text(); status == string(events.Disabled) {
		r.Warn(n.Get("status"), "it is disabled there, too: leave the job disabled until it is wanted")
	} else {
		r.Take(n.Get("status"))
	}
	r.Warn(n.Get("created_on_ns"), "is not taken: the job is made when the manifest is applied")
	r.Warn(n.Get("results"), "are not taken: results stay where they are")
	r.Rest(n, "is unknown, and not taken", "job_id", "name", "username", "status", "created_on_ns", "results", "job_parameters")
	j.Object = r.parameters(parameters)
	if fault := r.check(j); fault != "" {
		r.Drop(j.Key, "no job comes of it")
		r.Key = ""
		r.Refuse(n, fault)
		return
	}
	r.clocks(j, parameters)
	r.got.Jobs = append(r.got.Jobs, j)
}

// check says what Spool would refuse, with a token in the place of the masked one.
func (r *reader) check(j *importer.Job) string {
	o := append(events.Object{}, j.Object...)
	flow := append(events.Object{}, o.Inner("flow_parameters")...)
	return (&importer.Job{Name: j.Name, Object: o.Set("flow_parameters", flow.Set("auth_token", "x"))}).Check()
}

// parameters are those of the job, with the zone that its times are meant in.
func (r *reader) parameters(n *manifest.Node) events.Object {
	r.Frame(n)
	for _, m := range n.Members {
		if m.Name != "flow_parameters" {
			r.Take(m.Value)
		}
	}
	o := n.Object().Delete("name")
	flow := n.Get("flow_parameters")
	if flow == nil || flow.Kind != manifest.Object {
		return o
	}
	r.Frame(flow)
	for _, m := range flow.Members {
		if m.Name != "auth_token" {
			r.Take(m.Value)
		}
	}
	r.masked(flow)
	fields := flow.Object()
	if token := flow.Get("auth_token"); token != nil {
		r.Warn(token, "is masked in the list: put the token into the file "+TokenFile+" beside the manifest, or leave it out where Spool's own runner runs the flow")
		fields = fields.Set("auth_token", events.Object{}.Set("file", TokenFile))
	}
	o = o.Set("flow_parameters", fields)
	if spooled, _ := flow.At("settings", "spooled_mode").Text(); spooled == "true" {
		r.Warn(flow.At("settings", "spooled_mode"), "files that lie in the folder already run when the job is enabled: spool.watch.existing mark leaves them out")
		return o
	}
	spool := append(events.Object{}, o.Inner("spool")...)
	if _, given := spool.Get("timezone"); !given && r.Zone != "" {
		o = o.Set("spool", spool.Set("timezone", r.Zone))
		r.Warn(n.Get("schedule"), "the list does not say its zone: "+r.Zone+" is taken (--timezone)")
	}
	return o
}

// masked warns of the other secrets that a list of Spool does not show.
func (r *reader) masked(n *manifest.Node) {
	for _, m := range n.Members {
		if text, _ := m.Value.Text(); text == events.Mask && m.Name != "auth_token" {
			r.Warn(m.Value, m.Name+" is masked in the list: put the secret into a file and write {file: PATH} here, or the job cannot be made")
		}
		r.masked(m.Value)
	}
}

func (r *reader) clocks(j *importer.Job, n *manifest.Node) {
	text, _ := n.Get("schedule").Text()
	spool := j.Object.Inner("spool")
	zone := ""
	if raw, ok := spool.Get("timezone"); ok {
		zone = strings.Trim(string(raw), `"`)
	}
	for _, warning := range (&importer.Job{Schedule: text, Timezone: zone}).Clocks(r.Now, "what the other scheduler does then is not known here") {
		r.Warn(n.Get("schedule"), warning)
	}
}
