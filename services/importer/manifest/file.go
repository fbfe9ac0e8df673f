package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"spool.internal/events"
	"spool.internal/events/spelling"
)

// File is a file of jobs.
type File struct {
	Name      string
	ManagedBy string // empty: it names nobody
	Jobs      []*Job
}

// Job is one job of a file.
type Job struct {
	Place    string        // file:line
	Key      string        // its identity
	ID       string        // in place of Key, of a job that is there and has none
	Name     string        //
	Enabled  *bool         // what it is to be; nil: it is left as it is, and made enabled
	Disabled bool          // it is made disabled, and left alone afterwards
	Body     events.Object // as POST /api/v2/jobs takes it, in the short or the full form

	node *Node
}

// Files gives the content of a file that a job names, by its path as written.
type Files func(path string) ([]byte, error)

// Parse reads a file of jobs. Its error joins all that is wrong, each with file and line.
func Parse(name string, text []byte, read Files) (*File, error) {
	docs, err := Read(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := &parser{File: &File{Name: name}, read: read}
	for _, doc := range docs {
		p.document(doc)
	}
	if len(docs) == 0 {
		p.fail(1, "is empty: it begins with apiVersion: %s and has a list jobs", Version)
	}
	return p.File, errors.Join(p.faults...)
}

type parser struct {
	*File
	read   Files
	faults []error
}

func (p *parser) fail(line int, format string, args ...any) {
	p.faults = append(p.faults, fmt.Errorf("%s:%d: %s", p.Name, line, fmt.Sprintf(format, args...)))
}

var fileKeys = []string{"apiVersion", "managed_by", "jobs"}

func (p *parser) document(doc *Node) {
	if doc.Kind != Object {
		p.fail(doc.Line, "is no file of jobs: write apiVersion: %s, and below it a list jobs", Version)
		return
	}
	if v, _ := doc.Get("apiVersion").Text(); v != Version {
		p.fail(doc.Line, "apiVersion is %q and must be %s", v, Version)
	}
	p.unknown(doc, fileKeys, "")
	if m := doc.Get("managed_by"); m != nil {
		by, ok := m.Text()
		if !ok || p.ManagedBy != "" && by != p.ManagedBy {
			p.fail(m.Line, "managed_by must be one name for all of the file")
		}
		p.ManagedBy = by
	}
	jobs := doc.Get("jobs")
	switch {
	case jobs == nil:
		p.fail(doc.Line, "jobs is missing: give a list, each with a key")
	case jobs.Kind != List:
		p.fail(jobs.Line, "jobs must be a list: begin each job with a dash")
	default:
		for _, item := range jobs.Items {
			p.job(item)
		}
	}
}

// unknown names the keys that mean nothing.
func (p *parser) unknown(n *Node, known []string, path string) {
	for _, m := range n.Members {
		if slices.Contains(known, m.Name) {
			continue
		}
		hint := ""
		if near := spelling.Nearest(m.Name, known); near != "" {
			hint = ": did you mean " + near + "?"
		}
		p.fail(m.Value.Key, "the key %s%s is unknown%s", path, m.Name, hint)
	}
}

// jobKeys are those of a job; the first four are of files alone.
var jobKeys = []string{"key", "id", "enabled", "initially", "name", "schedule", "run", "watch", "input", "settings", "spool", "flow_parameters"}

func (p *parser) job(n *Node) {
	if n.Kind != Object {
		p.fail(n.Line, "a job must be an object with key, name, and schedule or input")
		return
	}
	before := len(p.faults)
	j := &Job{Place: fmt.Sprintf("%s:%d", p.Name, n.Line), node: n}
	p.unknown(n, jobKeys, "")
	if id := n.Get("id"); id != nil {
		j.ID = p.text(n, "id", "")
	}
	if j.ID == "" || n.Get("key") != nil {
		j.Key = p.text(n, "key", "is required: it says which job this is, whatever its name becomes")
	}
	j.Name = p.text(n, "name", "is required")
	if e := n.Get("enabled"); e != nil {
		on := string(e.Scalar) == "true"
		if !on && string(e.Scalar) != "false" {
			p.fail(e.Line, "enabled must be true or false")
		}
		j.Enabled = &on
	}
	if i := n.Get("initially"); i != nil {
		if text, _ := i.Text(); text != "disabled" && text != "enabled" {
			p.fail(i.Line, "initially must be disabled or enabled")
		} else {
			j.Disabled = text == "disabled"
		}
	}
	if at := slices.IndexFunc(p.Jobs, func(o *Job) bool { return o.Key == j.Key }); at >= 0 && j.Key != "" {
		p.fail(n.Line, "the key %q is that of the job at %s as well", j.Key, p.Jobs[at].Place)
	}
	if k := n.At("spool", "key"); k != nil {
		p.fail(k.Key, "spool.key is the key of the job: write key above it, and leave this out")
	}
	p.secrets(n, nil)
	for _, m := range n.Members {
		if !slices.Contains(jobKeys[:4], m.Name) {
			j.Body = append(j.Body, events.Member{Key: m.Name, Value: m.Value.JSON()})
		}
	}
	if len(p.faults) == before {
		p.check(j)
	}
	p.Jobs = append(p.Jobs, j)
}

func (p *parser) text(n *Node, key, missing string) string {
	v := n.Get(key)
	if v == nil {
		p.fail(n.Line, "%s %s", key, missing)
		return ""
	}
	text, ok := v.Text()
	if !ok || strings.TrimSpace(text) == "" {
		p.fail(v.Line, "%s must be a text", key)
	}
	v.Scalar = events.Encode(text) // a name like 2026 is no number
	return text
}

// check says what the server would refuse, with the line.
func (p *parser) check(j *Job) {
	o, err := events.Lengthen(slices.Clone(j.Body))
	if err == nil {
		o, err = events.Complete(o, "owner", "id")
	}
	var read *events.Parameters
	if err == nil {
		read, err = events.ReadParameters(o)
	}
	fault, isFault := errors.AsType[*events.Error](err)
	switch {
	case err == nil:
		for _, key := range read.Unknown {
			line, key := j.lineOf(key)
			p.fail(line, "the key %s is unknown", key)
		}
	case !isFault:
		p.fail(j.node.Line, "%s", err.Error())
	case fault.Field == "flow_parameters.auth_token" && !j.has("flow_parameters", "auth_token"):
		// The server gives one to what its own runner runs.
	case fault.Field == "flow_parameters" && !j.has("flow_parameters"):
		p.fail(j.node.Line, "runs nothing: give run: {command: …}, or flow_parameters with a flow")
	default:
		line, field := j.lineOf(fault.Field)
		p.fail(line, "%s %s", field, fault.Message)
	}
}

func (j *Job) has(keys ...string) bool { return j.node.At(keys...) != nil }

// Fault is an error about a field, with the line that the field stands on.
func (j *Job) Fault(field, message string) error {
	line, field := j.lineOf(field)
	file, _, _ := cutLast(j.Place, ":")
	return fmt.Errorf("%s:%d: %s %s", file, line, field, message)
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// shortForms are the fields that the short form has elsewhere.
var shortForms = []struct{ full, short string }{
	{"spool.run", "run"}, {"spool.watch", "watch"}, {"flow_parameters.input_dir", "input"}, {"flow_parameters.settings", "settings"},
}

// lineOf gives the line of a field, as near as it stands in the file, and its name there.
func (j *Job) lineOf(field string) (line int, name string) {
	if line, whole := j.find(field); whole {
		return line, field
	}
	for _, f := range shortForms {
		if rest, ok := strings.CutPrefix(field, f.full); ok {
			if line, found := j.find(f.short + rest); found || j.has(f.short) {
				return line, f.short + rest
			}
		}
	}
	line, _ = j.find(field)
	return line, field
}

func (j *Job) find(field string) (line int, whole bool) {
	n := j.node
	line = n.Line
	for key := range strings.SplitSeq(field, ".") {
		key, _, _ = strings.Cut(key, "[")
		if n = n.Get(key); n == nil {
			return line, false
		}
		line = n.Key
	}
	return line, true
}
