package events

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"spool.internal/events/spelling"
)

// Profile is what administrators grant, under a name, to the flows of the jobs
// that name it, beyond what all flows may do.
type Profile struct {
	Name      string     `json:"name"`
	Owners    []string   `json:"owners,omitempty"`  // who may name it, besides administrators; anyOwner = everybody
	Read      []string   `json:"read,omitempty"`    // host paths to read, with all below
	Run       []string   `json:"run,omitempty"`     // to read and execute
	Write     []string   `json:"write,omitempty"`   // to read and write
	Unix      []string   `json:"unix,omitempty"`    // sockets to connect to, or folders with such
	Network   string     `json:"network,omitzero"`  // NetworkNone, NetworkAny; empty = as for all flows
	Connect   []string   `json:"connect,omitempty"` // all that may be connected to, see [ParseTarget]; empty = as Network says
	Listen    bool       `json:"listen,omitzero"`   // may take TCP ports and wait for connections
	User      string     `json:"user,omitzero"`     // whom its flows are; empty = as all flows
	Home      string     `json:"home,omitzero"`     // HOME, to read and write; empty = the private folder
	Env       []Variable `json:"env,omitempty"`
	Secrets   []Variable `json:"secrets,omitempty"`  // variables whose values are in the files named here
	Memory    int64      `json:"memory,omitzero"`    // bytes; 0 = as for all flows
	Processor float64    `json:"processor,omitzero"` // cores; 0 = as for all flows
}

// What stands in a profile for everybody, and for networks.
const (
	anyOwner    = "*"
	NetworkNone = "none"
	NetworkAny  = "any"
)

// maxProfiles is how many a job may name, and maxGrants how many paths a profile may grant.
const (
	maxProfiles = 8
	maxGrants   = 32
)

// MayName says why somebody may not name the profile: the owner of a job, in a role.
func (p Profile) MayName(owner string, role Role) error {
	if role == Admin || slices.Contains(p.Owners, anyOwner) || slices.Contains(p.Owners, owner) {
		return nil
	}
	return Faultf(Forbidden, "spool.run.profiles", "%q may not be named by %s: an administrator can add the line \"owners %s\" to the profile", p.Name, owner, owner)
}

// Lines are the profile as it is declared, without the values of variables.
func (p Profile) Lines() []string {
	var all []string
	add := func(word string, values ...string) {
		for _, v := range values {
			all = append(all, word+" "+v)
		}
	}
	if len(p.Owners) > 0 {
		add("owners", strings.Join(p.Owners, " "))
	}
	add("read", p.Read...)
	add("run", p.Run...)
	add("write", p.Write...)
	add("unix", p.Unix...)
	if p.Network != "" {
		add("network", p.Network)
	}
	add("connect", p.Connect...)
	if p.Listen {
		all = append(all, "listen")
	}
	if p.User != "" {
		add("user", p.User)
	}
	if p.Home != "" {
		add("home", p.Home)
	}
	for _, v := range p.Env {
		add("env", v.Name+"="+Mask)
	}
	for _, v := range p.Secrets {
		add("secret", v.Name)
	}
	if p.Memory > 0 {
		add("memory", spelling.FormatSize(p.Memory))
	}
	if p.Processor > 0 {
		add("processor", strconv.FormatFloat(p.Processor, 'f', -1, 64))
	}
	return all
}

// Shown is the profile as it is told to others: variables may hold secrets.
func (p Profile) Shown() Profile {
	p.Env = slices.Clone(p.Env)
	for i := range p.Env {
		p.Env[i].Value = Mask
	}
	p.Secrets = slices.Clone(p.Secrets)
	for i := range p.Secrets {
		p.Secrets[i].Value = "" // where it lies is the host's business
	}
	return p
}

// JoinProfiles gives all that several profiles grant. Who may use some network may
// use it, though another profile says none, or less.
func JoinProfiles(all []Profile) Profile {
	var j Profile
	for _, p := range all {
		j.Read, j.Run = append(j.Read, p.Read...), append(j.Run, p.Run...)
		j.Write, j.Unix = append(j.Write, p.Write...), append(j.Unix, p.Unix...)
		j.Listen = j.Listen || p.Listen
		if j.Network != NetworkAny && p.Network != "" {
			j.Network = p.Network
		}
		for _, t := range p.Connect {
			if !slices.Contains(j.Connect, t) {
				j.Connect = append(j.Connect, t)
			}
		}
		if p.User != "" {
			j.User = p.User
		}
		if p.Home != "" {
			j.Home = p.Home
		}
		j.Secrets, j.Memory = append(j.Secrets, p.Secrets...), max(j.Memory, p.Memory)
		j.Processor = max(j.Processor, p.Processor)
		for _, v := range p.Env {
			j.Env = slices.DeleteFunc(j.Env, func(o Variable) bool { return o.Name == v.Name })
			j.Env = append(j.Env, v)
		}
	}
	switch {
	case j.Network == NetworkAny:
		j.Connect = nil
	case len(j.Connect) > 0:
		j.Network = ""
	}
	return j
}

// Grantable says why no profile may grant a path; empty when one may.
func Grantable(p string) string {
	switch {
	case !path.IsAbs(p):
		return "is not an absolute path"
	case path.Clean(p) != p:
		return "is not a plain path: give " + path.Clean(p)
	case p == "/":
		return "is everything: name what the flow needs"
	}
	for _, top := range []string{"/proc", "/sys", "/dev"} {
		if p == top || strings.HasPrefix(p, top+"/") {
			return "belongs to the kernel, and cannot be granted"
		}
	}
	return ""
}

// ReadsWith are the paths of the host that a flow may read and execute with
// profiles of the runner; nil: all that the runner may.
func (r RunnerState) ReadsWith(profiles []string) []string {
	if len(r.Reads) == 0 {
		return nil
	}
	reads := slices.Clone(r.Reads)
	for _, p := range r.Profiles {
		if slices.Contains(profiles, p.Name) {
			reads = append(reads, p.Run...)
		}
	}
	return reads
}
