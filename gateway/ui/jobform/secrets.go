package jobform

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"

	"spool.internal/events"
)

// SecretsField is where the secrets of a command stand.
const SecretsField = "spool.run.secrets"

// SecretRow is a secret of a command in a form.
type SecretRow struct {
	At    int
	Name  string
	Value string // as it was typed; empty = as it is
	File  bool
	Set   bool // it has a value already
	Drop  bool // it is to be taken away
}

type secretRows []SecretRow

// maxSecretRows bounds what is read of a form.
const maxSecretRows = 200

// Key is the name of one of the controls of a row: name, value, as, drop, set.
func (r SecretRow) Key(control string) string {
	return SecretsField + "." + strconv.Itoa(r.At) + "." + control
}

// secretsOf are the rows of a job. Not ok: they are no secrets as rows show them.
func secretsOf(o events.Object) (rows secretRows, ok bool) {
	raw, given := get(o, place(isShort(o), SecretsField))
	if !given {
		return nil, true
	}
	all, err := events.ParseObject(raw)
	for i, m := range all {
		rows = append(rows, SecretRow{At: i, Name: m.Key, File: m.Value[0] == '{', Set: true})
	}
	return rows, err == nil && isShort(o)
}

func (rows secretRows) put(v url.Values) {
	for _, r := range rows {
		v.Set(r.Key("name"), r.Name)
		v.Set(r.Key("set"), "true")
		v.Set(r.Key("as"), "variable")
		if r.File {
			v.Set(r.Key("as"), "file")
		}
	}
}

// Secrets are the rows of a form, in their order.
func Secrets(v url.Values) (rows []SecretRow) {
	for i := range maxSecretRows {
		r := SecretRow{At: i}
		if !v.Has(r.Key("name")) {
			break
		}
		r.Name, r.Value, r.File = v.Get(r.Key("name")), v.Get(r.Key("value")), v.Get(r.Key("as")) == "file"
		r.Set, r.Drop = v.Get(r.Key("set")) == "true", v.Get(r.Key("drop")) == "true"
		rows = append(rows, r)
	}
	return rows
}

// readSecrets gives the secrets of a job with what a form says of them.
func readSecrets(was events.Object, v url.Values) (any, error) {
	o := copyOf(was)
	for _, r := range Secrets(v) {
		_, had := o.Get(r.Name)
		switch {
		case r.Name == "" && r.Value == "":
		case r.Drop:
			o = o.Delete(r.Name)
		case r.Set && r.Value == "" && had && r.File == isFile(o, r.Name):
		case r.Value == "" && had:
			return nil, fault(SecretsField, "%s is to be given in another way: type its value, too", r.Name)
		case r.Name == "":
			return nil, fault(SecretsField, "one has a value and no name: give it the name of a variable")
		case !r.Set && slices.ContainsFunc(Secrets(v), func(x SecretRow) bool { return x.Name == r.Name && x.At < r.At }):
			return nil, fault(SecretsField, "has %s twice: leave one out", r.Name)
		case r.File:
			o = o.Set(r.Name, map[string]string{"file": r.Value})
		default:
			o = o.Set(r.Name, r.Value)
		}
	}
	if len(o) == 0 {
		return nil, nil
	}
	return o, nil
}

func isFile(o events.Object, name string) bool {
	raw, _ := o.Get(name)
	return len(raw) > 0 && raw[0] == '{'
}

// hasMask reports whether a value is or holds what stands in place of a secret.
func hasMask(raw json.RawMessage) bool {
	var s string
	if raw[0] == '"' {
		return json.Unmarshal(raw, &s) == nil && events.HasMask(s)
	}
	o, err := events.ParseObject(raw)
	return err == nil && slices.ContainsFunc(o, func(m events.Member) bool { return hasMask(m.Value) })
}
