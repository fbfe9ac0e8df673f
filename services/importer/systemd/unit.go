package systemd

import (
	"strings"

	"spool.internal/services/importer"
)

// setting is one assignment of a unit.
type setting struct {
	section, key, value string
	line, last          int // the lines that it stands on
}

// unit is a file of systemd, taken apart.
type unit struct {
	*importer.Account
	settings []setting
}

// readUnit takes a file apart. What it cannot read is refused in the account.
func readUnit(s importer.Source) *unit {
	u := &unit{Account: importer.NewAccount(s)}
	section := ""
	texts := u.Texts()
	for n := 0; n < len(texts); n++ {
		text := strings.TrimSpace(texts[n])
		switch {
		case text == "" || text[0] == '#' || text[0] == ';':
			u.Say(n+1, importer.Nothing, "")
			continue
		case text[0] == '[' && strings.HasSuffix(text, "]"):
			section = text[1 : len(text)-1]
			u.Say(n+1, importer.Nothing, "")
			continue
		}
		first := n
		for strings.HasSuffix(text, `\`) && n+1 < len(texts) {
			n++
			more := strings.TrimSpace(texts[n])
			if more != "" && (more[0] == '#' || more[0] == ';') {
				continue // a comment between
			}
			text = strings.TrimSuffix(text, `\`) + " " + more
		}
		text = strings.TrimSuffix(text, `\`)
		key, value, ok := strings.Cut(text, "=")
		st := setting{section, strings.TrimSpace(key), strings.TrimSpace(value), first + 1, n + 1}
		if !ok || section == "" {
			u.say(st, importer.Refused, "", "is no setting of a section")
			continue
		}
		u.settings = append(u.settings, st)
	}
	return u
}

// say records what becomes of a setting, on all lines of it.
func (u *unit) say(s setting, v importer.Verdict, key string, reasons ...string) {
	u.Say(s.line, v, key, reasons...)
	for n := s.line + 1; n <= s.last; n++ {
		u.Say(n, v, key)
	}
}

// all gives the assignments of a key; an empty one takes back those before it.
func (u *unit) all(section, key string) (list []setting) {
	for _, s := range u.settings {
		if s.section != section || s.key != key {
			continue
		}
		if s.value == "" {
			list = nil
			continue
		}
		list = append(list, s)
	}
	return list
}

// last gives the last assignment of a key.
func (u *unit) last(section, key string) (setting, bool) {
	all := u.all(section, key)
	if len(all) == 0 {
		return setting{}, false
	}
	return all[len(all)-1], true
}

// yes reads a boolean as systemd does.
func yes(value string) bool {
	switch strings.ToLower(value) {
	case "1", "yes", "y", "true", "t", "on":
		return true
	}
	return false
}
