package broker

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"spool.internal/events/jet"
)

// Users of a NATS of one's own that are no role: who makes the streams, and who passes on
// what a subject alone cannot bound.
const (
	Setup Role = "setup"
	Guard Role = "guard"
)

// ForeignUsers lists the users of a NATS of one's own.
func ForeignUsers() []Role { return append([]Role{Setup, Guard}, Roles()...) }

// homeAccount is the account with the streams in the configuration of a NATS of one's own.
const homeAccount = "SPOOL"

func (r Role) foreignAccount() string { return homeAccount + "_" + strings.ToUpper(string(r)) }

// ForeignConfig writes the part of a NATS server's configuration that lets Spool's roles
// in: the accounts of [accounts], with the same exports and imports, and one user for each
// role, whose public keys are given.
func ForeignConfig(w io.Writer, keys map[Role]string) error {
	f := &foreign{keys: keys}
	f.line(0, "# Accounts of Spool, written by spool setup --print-permissions. Include it in the configuration")
	f.line(0, "# of each server: include \"spool.conf\". Each role is an account that imports what it may do.")
	f.line(0, "accounts {")
	f.home()
	for _, role := range Roles() {
		f.role(role)
	}
	f.line(0, "}")
	_, err := io.WriteString(w, f.text.String())
	return err
}

type foreign struct {
	keys map[Role]string
	text strings.Builder
}

func (f *foreign) line(depth int, format string, args ...any) {
	f.text.WriteString(strings.Repeat("  ", depth))
	fmt.Fprintf(&f.text, format+"\n", args...)
}

func (f *foreign) list(depth int, name string, entries []string) {
	f.line(depth, "%s [", name)
	for _, e := range entries {
		f.line(depth+1, "%s", e)
	}
	f.line(depth, "]")
}

// home is the account with the streams, and who works in it.
func (f *foreign) home() {
	f.line(1, "%s {", homeAccount)
	f.line(2, "jetstream: enabled")
	f.line(2, "users [")
	f.user(Setup, setupRights(), []string{inboxOf(Setup)}, 0)
	f.user(Guard, guardRights(), append([]string{guardSubject + ".*.>", inboxOf(Guard)}, jet.Hinted()...), guardAnswers)
	f.line(2, "]")
	var all []string
	for _, e := range homeExports() {
		all = append(all, e.conf())
	}
	f.list(2, "exports", all)
	f.line(1, "}")
}

func (f *foreign) role(role Role) {
	r := rightsOf(role)
	var publish, imports, exports []string
	for _, g := range r.gates(role) {
		from := homeAccount
		if g.of != "" {
			from = g.of.foreignAccount()
		}
		entry := fmt.Sprintf("{service: {account: %s, subject: %q}", from, g.main)
		if g.local != g.main {
			entry += fmt.Sprintf(", to: %q", g.local)
		}
		imports, publish = append(imports, entry+"}"), append(publish, g.local)
	}
	for _, subject := range r.Hear {
		imports = append(imports, fmt.Sprintf("{stream: {account: %s, subject: %q}, to: %q}", homeAccount, hintPrefix+subject, subject))
	}
	for _, subject := range r.Answer {
		exports = append(exports, export{subject: subject}.conf())
	}
	subscribe := slices.Concat([]string{inboxOf(role)}, r.Hear, r.Answer)
	if r.Service {
		subscribe = append(subscribe, "$SRV.>")
	}
	answers := 0
	if len(r.Answer) > 0 {
		answers = 1
	}
	f.line(1, "%s {", role.foreignAccount())
	f.line(2, "users [")
	f.user(role, publish, subscribe, answers)
	f.line(2, "]")
	if len(exports) > 0 {
		f.list(2, "exports", exports)
	}
	f.list(2, "imports", imports)
	f.line(1, "}")
}

// user writes a user who may answer each request so many times.
func (f *foreign) user(role Role, publish, subscribe []string, answers int) {
	f.line(3, "{nkey: %s, permissions: { # %s", f.keys[role], role)
	f.list(4, "publish: {allow:", quoted(publish))
	f.line(4, "}")
	f.list(4, "subscribe: {allow:", quoted(subscribe))
	f.line(4, "}")
	if answers > 0 {
		f.line(4, "allow_responses: {max: %d, expires: \"1m\"}", answers)
	}
	f.line(3, "}}")
}

func quoted(all []string) []string {
	slices.Sort(all)
	all = slices.Compact(all)
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = fmt.Sprintf("%q", s)
	}
	return out
}

func inboxOf(role Role) string { return "_INBOX." + string(role) + ".>" }

// guardAnswers is how often the guard answers a request.
const guardAnswers = 1

// setupRights are what makes the streams, and nothing else.
func setupRights() []string {
	all := []string{"$JS.API.INFO"}
	for _, s := range jet.Streams() {
		all = append(all, "$JS.API.STREAM.INFO."+s, "$JS.API.STREAM.CREATE."+s, "$JS.API.STREAM.UPDATE."+s)
	}
	return all
}

// guardRights are what the guard passes on for the roles, and its hints.
func guardRights() []string {
	var all []string
	for _, subject := range jet.Hinted() {
		all = append(all, hintPrefix+subject)
	}
	for _, s := range jet.Streams() {
		all = append(all, "$JS.API.STREAM.INFO."+s)
	}
	for _, role := range Roles() {
		r := rightsOf(role)
		all = append(all, r.Once...)
		for _, g := range r.gates(role) {
			if passed, guarded := strings.CutPrefix(g.main, guardSubject+"."+string(role)+"."); guarded && !strings.HasPrefix(passed, "PUBLISH.") {
				all = append(all, "$JS.API."+passed)
			}
		}
	}
	return slices.Sorted(maps.Keys(setOf(all)))
}

func setOf(all []string) map[string]bool {
	set := map[string]bool{}
	for _, s := range all {
		set[s] = true
	}
	return set
}
