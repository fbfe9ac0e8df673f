package kubernetes

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/services/importer"
	"spool.internal/services/importer/manifest"
)

// template reads what a CronJob makes at each slot.
func (c *cronJob) template(t *manifest.Node) {
	c.Frame(t)
	c.Rest(t, "is not taken", "spec")
	spec := t.Get("spec")
	c.Frame(spec)
	for _, m := range specMembers(spec) {
		text, _ := m.Value.Text()
		n, err := strconv.Atoi(text)
		switch m.Name {
		case "template":
		case "backoffLimit":
			switch {
			case err != nil || n < 0:
				c.Refuse(m.Value, text+" is no number")
			case n > 20:
				c.job.Retries = 20
				c.Warn(m.Value, "20 retries are the most")
			default:
				c.job.Retries = n
				c.Take(m.Value)
			}
		case "activeDeadlineSeconds":
			if err != nil || n < 1 {
				c.Refuse(m.Value, text+" is no number of seconds")
				continue
			}
			c.job.Timeout = time.Duration(n) * time.Second
			c.Warn(m.Value, "is the timeout of each attempt, and not of all together")
		case "parallelism", "completions":
			if text != "1" {
				c.fail(m.Value, "a job of Spool runs one command at a time: make a job for each")
				continue
			}
			c.Take(m.Value)
		case "ttlSecondsAfterFinished":
			c.Warn(m.Value, "results are kept for 30 days")
		default:
			c.Warn(m.Value, m.Name+" is not taken")
		}
	}
	if spec != nil && spec.Get("backoffLimit") == nil {
		c.Say(spec.Key, importer.Warning, c.Key, "backoffLimit is not given: Kubernetes retries 6 times, Spool not unless the job says so (run.retries)")
	}
	c.pod(spec.Get("template"))
}

func specMembers(n *manifest.Node) []manifest.Member {
	if n == nil {
		return nil
	}
	return n.Members
}

func (c *cronJob) pod(t *manifest.Node) {
	c.Frame(t)
	c.Rest(t, "is not taken", "spec")
	spec := t.Get("spec")
	c.Frame(spec)
	for _, key := range []string{"restartPolicy", "terminationGracePeriodSeconds"} {
		c.Take(spec.Get(key))
	}
	if n := spec.Get("initContainers"); n != nil {
		c.fail(n, "what runs before the container has no counterpart: make it part of the command")
	}
	c.security(spec.Get("securityContext"))
	c.Rest(spec, "is the cluster's and not taken", "containers", "initContainers", "restartPolicy", "terminationGracePeriodSeconds", "securityContext")
	list := spec.Get("containers")
	switch {
	case list == nil || len(list.Items) == 0:
		c.broken = true
		c.Refuse(spec, "has no container")
		return
	case len(list.Items) > 1:
		c.fail(list, "has several containers, and a job of Spool is one command")
		return
	}
	c.Frame(list)
	c.container(list.Items[0])
}

func (c *cronJob) security(n *manifest.Node) {
	c.Frame(n)
	if user, ok := n.Get("runAsUser").Text(); ok {
		if c.Take(n.Get("runAsUser")); importer.IsRoot(user) {
			c.Warn(n.Get("runAsUser"), importer.RootWarning)
		} else {
			c.grant("user " + user)
		}
	}
	c.Rest(n, "is not taken: each run is in Spool's sandbox", "runAsUser")
}

// grant adds a line to the profile of the job.
func (c *cronJob) grant(line string) {
	if _, err := events.ParseProfiles("x: " + line); err != nil {
		return
	}
	c.job.Profiles = []string{c.profile}
	c.grants = append(c.grants, line)
}

func (c *cronJob) container(n *manifest.Node) {
	c.Take(n.Get("name"))
	image, _ := n.Get("image").Text()
	c.Warn(n.Get("image"), "a job runs on the host and in no image: the programs of "+image+" must be there")
	c.environment(n.Get("env"))
	command, ok1 := c.strings(n.Get("command"))
	args, ok2 := c.strings(n.Get("args"))
	switch {
	case !ok1 || !ok2:
		c.broken = true
	case len(command) == 0 && len(args) > 0:
		c.fail(n.Get("args"), "without command they are arguments of the image's own, which is not known here")
	case len(command) == 0:
		c.fail(n, "has no command: the image's own is not known here")
	}
	c.job.Argv = append(command, args...)
	c.Warn(n.Get("envFrom"), "is not taken: give the variables in run.env, secret ones in run.secrets")
	if dir := n.Get("workingDir"); dir != nil {
		c.Warn(dir, "is not taken: run.cwd is a folder of a drive, or the command begins with cd")
	}
	c.limits(n.Get("resources"))
	c.security(n.Get("securityContext"))
	c.Rest(n, "is not taken", "name", "image", "command", "args", "env", "envFrom", "workingDir", "resources", "securityContext")
}

// strings reads a list of texts, in which $(NAME) stands for a variable.
func (c *cronJob) strings(n *manifest.Node) (list []string, ok bool) {
	if n == nil {
		return nil, true
	}
	c.Take(n)
	for _, item := range n.Items {
		text, ok := item.Text()
		if !ok {
			c.fail(n, "must be a list of texts")
			return nil, false
		}
		list = append(list, c.expand(item, text))
	}
	return list, true
}

var reference = regexp.MustCompile(`\$\$\(|\$\([A-Za-z_][A-Za-z0-9_.-]*\)`)

// expand puts the values of variables for $(NAME), as Kubernetes does. $$( is $(.
func (c *cronJob) expand(item *manifest.Node, text string) string {
	return reference.ReplaceAllStringFunc(text, func(ref string) string {
		if ref == "$$(" {
			return "$("
		}
		name := ref[2 : len(ref)-1]
		for _, v := range c.job.Env {
			if v.Name == name {
				return v.Value
			}
		}
		if slices.Contains(c.secret, name) {
			c.Say(item.Line, importer.Warning, c.Key, "Kubernetes puts the value of "+name+" for "+ref+", and Spool does not: use a shell with $"+name)
		}
		return ref
	})
}

func (c *cronJob) environment(n *manifest.Node) {
	if n == nil {
		return
	}
	c.Frame(n)
	for _, item := range n.Items {
		name, _ := item.Get("name").Text()
		value := item.Get("value")
		text, ok := value.Text()
		switch from := item.Get("valueFrom"); {
		case from != nil:
			c.secret = append(c.secret, name)
			c.Warn(item, name+" is not taken: its value is in the cluster; give it in run.secrets, like {\""+name+"\": {\"from\": \"FILE\"}}")
		case strings.HasPrefix(name, "SPOOL_"):
			c.Refuse(item, name+" begins with SPOOL_, which Spool sets itself")
		case value != nil && !ok && string(value.Scalar) != "null":
			c.Refuse(item, name+" must be a text")
		default:
			c.Take(item)
			c.job.Env = append(c.job.Env, events.Variable{Name: name, Value: text})
		}
	}
}

// limits are lines of a profile.
func (c *cronJob) limits(n *manifest.Node) {
	c.Frame(n)
	c.Rest(n, "is not taken: nothing is reserved", "limits")
	limits := n.Get("limits")
	c.Frame(limits)
	for _, m := range specMembers(limits) {
		text, _ := m.Value.Text()
		switch line := limit(m.Name, text); line {
		case "":
			c.Warn(m.Value, m.Name+" "+text+" is not taken")
		default:
			c.grant(line)
			c.Take(m.Value)
		}
	}
}

// limit spells a limit as a profile does, or "".
func limit(name, text string) string {
	var line string
	switch name {
	case "memory":
		if n, ok := strings.CutSuffix(text, "i"); ok {
			line = "memory " + n + "iB"
		} else {
			line = "memory " + text
		}
	case "cpu":
		if milli, ok := strings.CutSuffix(text, "m"); ok {
			var n float64
			if json.Unmarshal([]byte(milli), &n) == nil {
				line = "processor " + strconv.FormatFloat(n/1000, 'f', -1, 64)
			}
		} else {
			line = "processor " + text
		}
	}
	if _, err := events.ParseProfiles("x: " + line); line == "" || err != nil {
		return ""
	}
	return line
}
