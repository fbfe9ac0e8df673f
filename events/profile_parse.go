package events

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"spool.internal/events/spelling"
)

// ParseProfiles reads profiles as a file declares them:
//
//	# what backups need
//	backup:
//	    owners ann bob
//	    read /srv/data
//	    write /srv/backup
//
// and as a flag does, in one line: "backup: write /srv/backup; owners ann".
func ParseProfiles(text string) ([]Profile, error) {
	var all []Profile
	for n, line := range strings.Split(text, "\n") {
		if err := parseLine(&all, line); err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
	}
	for i := range all {
		if err := all[i].whole(); err != nil {
			return nil, fmt.Errorf("profile %q: %w", all[i].Name, err)
		}
		if slices.ContainsFunc(all[:i], func(p Profile) bool { return p.Name == all[i].Name }) {
			return nil, fmt.Errorf("profile %q is declared twice", all[i].Name)
		}
	}
	return all, nil
}

func parseLine(all *[]Profile, line string) error {
	indented := line != strings.TrimLeft(line, " \t")
	line = strings.TrimSpace(line)
	if line == "" || strings.HasPrefix(line, "#") {
		return nil
	}
	if !indented {
		name, rest, ok := strings.Cut(line, ":")
		if !ok || !isProfileName(name) {
			return fmt.Errorf("%q is no beginning of a profile: write its name (letters, digits, - and _) and a colon, like \"backup:\", and indent what it grants", line)
		}
		*all = append(*all, Profile{Name: name})
		line = rest
	}
	if len(*all) == 0 {
		return fmt.Errorf("%q belongs to no profile: write a name and a colon before it, like \"backup:\"", line)
	}
	grants := []string{line}
	if !indented {
		grants = strings.Split(line, ";")
	}
	for _, grant := range grants {
		if err := (*all)[len(*all)-1].grant(strings.TrimSpace(grant)); err != nil {
			return err
		}
	}
	return nil
}

// profileWords are what a line of a profile begins with.
var profileWords = []string{"owners", "read", "run", "write", "unix", "network", "connect", "listen", "user", "home", "env", "secret", "memory", "processor"}

// grant reads one line of a profile.
func (p *Profile) grant(line string) error {
	word, value, _ := strings.Cut(line, " ")
	value = strings.TrimSpace(value)
	paths := map[string]*[]string{"read": &p.Read, "run": &p.Run, "write": &p.Write, "unix": &p.Unix}
	if list := paths[word]; list != nil || word == "home" {
		if why := Grantable(value); why != "" {
			return fmt.Errorf("%s: %q %s", word, value, why)
		}
		if word == "home" {
			p.Home = value
		} else if !slices.Contains(*list, value) {
			*list = append(*list, value)
		}
		return nil
	}
	switch word {
	case "":
		return nil
	case "owners":
		if value == "" {
			return fmt.Errorf("owners: name those who may use the profile besides administrators, or %s for everybody", anyOwner)
		}
		p.Owners = append(p.Owners, splitOwners(value)...)
	case "network", "connect", "listen":
		return p.network(word, value)
	case "user":
		if value == "" || len(strings.Fields(value)) > 1 {
			return fmt.Errorf("user: %q is no name, uid or uid:gid", value)
		}
		p.User = value
	case "env":
		return p.variable(value)
	case "secret":
		name, file, _ := strings.Cut(value, " ")
		if file = strings.TrimSpace(file); !path.IsAbs(file) {
			return fmt.Errorf("secret: %q is not NAME FILE, with the absolute path of a file that holds the value", value)
		}
		r := &reader{prefix: "secret."}
		if name == "" {
			return fmt.Errorf("secret: a name is missing: NAME FILE")
		}
		r.variable(name, "")
		p.Secrets = append(p.Secrets, Variable{name, file})
		return r.err()
	case "memory", "processor":
		return p.bound(word, value)
	default:
		return fmt.Errorf("%q is not one of %s", word, strings.Join(profileWords, ", "))
	}
	return nil
}

// leastMemory is what a flow needs at least, in bytes.
const leastMemory = 16 << 20

// How many cores a flow may be bound to.
const (
	leastProcessor = 0.05
	mostProcessor  = 1024
)

// bound reads a line about how much of something flows get.
func (p *Profile) bound(word, value string) error {
	if word == "memory" {
		n, err := spelling.Size(value)
		if err != nil {
			return fmt.Errorf("memory: %w", err)
		}
		if n < leastMemory {
			return fmt.Errorf("memory: %q is not enough for any program: at least 16MiB", value)
		}
		p.Memory = n
		return nil
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || !(n >= leastProcessor && n <= mostProcessor) {
		return fmt.Errorf("processor: %q is not a number of cores from %v to %v, like 0.5 or 2", value, leastProcessor, mostProcessor)
	}
	p.Processor = n
	return nil
}

// splitOwners splits at blanks and commas. A name with blanks stands alone on a line with a
// comma behind it.
func splitOwners(text string) (all []string) {
	split := strings.Fields(text)
	if strings.Contains(text, ",") {
		split = strings.Split(text, ",")
	}
	for _, o := range split {
		if o = strings.TrimSpace(o); o != "" {
			all = append(all, o)
		}
	}
	return all
}

func (p *Profile) variable(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return fmt.Errorf("env: %q is not NAME=VALUE", name) // not the value, which may be a secret
	}
	r := &reader{prefix: "env."}
	if r.variable(name, value); r.err() != nil {
		return r.err()
	}
	p.Env = append(p.Env, Variable{name, value})
	return nil
}

// whole holds the rules that need more than one line.
func (p *Profile) whole() error {
	if n := len(p.Read) + len(p.Run) + len(p.Write) + len(p.Unix); n > maxGrants {
		return fmt.Errorf("grants %d paths; at most %d are allowed: name a folder that holds them", n, maxGrants)
	}
	if len(p.Connect) > maxGrants {
		return fmt.Errorf("names %d targets; at most %d are allowed", len(p.Connect), maxGrants)
	}
	if len(p.Connect) > 0 && p.Network != "" {
		return fmt.Errorf("\"connect\" and \"network %s\" are two answers to one question: leave out one of them", p.Network)
	}
	if p.Listen && p.Network == NetworkNone {
		return fmt.Errorf("listen needs a network: leave out one of \"listen\" and \"network none\"")
	}
	return nil
}
