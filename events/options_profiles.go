package events

import (
	"slices"
	"strings"
)

// readProfiles reads "profiles" in the object "spool.run": the names of those whose
// grants the job's flow gets.
func readProfiles(run *reader) []string {
	if _, given := run.o.Get("profiles"); !given {
		return nil
	}
	names := run.strings("profiles")
	if len(names) > maxProfiles {
		run.fail("profiles", "names %d; at most %d are allowed: have an administrator declare one for the job", len(names), maxProfiles)
	}
	for i, name := range names {
		if !isProfileName(name) {
			run.fail("profiles", "%q is no name of a profile: use letters, digits, - and _", name)
		}
		if slices.Contains(names[:i], name) {
			run.fail("profiles", "names %q twice", name)
		}
	}
	return names
}

func isProfileName(s string) bool {
	return s != "" && len(s) <= 64 && strings.IndexFunc(s, func(c rune) bool {
		return c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	}) < 0
}

// MayNameProfiles says why the owner of a job, in a role, may not name its profiles,
// as the runners declare them.
func (o Options) MayNameProfiles(owner string, role Role, runners []RunnerState) error {
	for _, name := range o.Profiles {
		var declared []string
		found := false
		for _, r := range runners {
			for _, p := range r.Profiles {
				if p.Name != name {
					if p.MayName(owner, role) == nil && !slices.Contains(declared, p.Name) {
						declared = append(declared, p.Name)
					}
					continue
				}
				found = true
				if err := p.MayName(owner, role); err != nil {
					return err
				}
			}
		}
		if found {
			continue
		}
		if len(declared) == 0 {
			declared = []string{"none that you may name"}
		}
		return Faultf(Invalid, "spool.run.profiles", "%q is not declared: an administrator declares profiles with --profile or --profiles; there are %s", name, strings.Join(declared, ", "))
	}
	return nil
}
