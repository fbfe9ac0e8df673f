package systemd

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// words splits a value at blanks as systemd does: quotes hold words together, and a
// backslash begins an escape.
func words(text string) (all []string, err error) {
	var b strings.Builder
	quote, inside := byte(0), false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text):
			n, s := escape(text[i:])
			if n == 0 {
				return nil, fmt.Errorf("the escape %s is not understood", text[i:i+2])
			}
			b.WriteString(s)
			i, inside = i+n-1, true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			b.WriteByte(c)
		case c == '"' || c == '\'':
			quote, inside = c, true
		case c == ' ' || c == '\t' || c == '\n':
			if inside {
				all = append(all, b.String())
			}
			b.Reset()
			inside = false
		default:
			b.WriteByte(c)
			inside = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("a quotation is not closed")
	}
	if inside {
		all = append(all, b.String())
	}
	return all, nil
}

var simple = map[byte]string{
	'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v", '\\': `\`, '"': `"`, '\'': "'", 's': " ", ';': ";", '$': "$", '%': "%",
}

// escape reads an escape at the beginning of a text, and says how long it is.
func escape(text string) (n int, s string) {
	if s, ok := simple[text[1]]; ok {
		return 2, s
	}
	if text[1] == 'x' && len(text) >= 4 {
		if v, err := strconv.ParseUint(text[2:4], 16, 8); err == nil && v != 0 {
			return 4, string([]byte{byte(v)})
		}
	}
	if len(text) >= 4 {
		if v, err := strconv.ParseUint(text[1:4], 8, 8); err == nil && v != 0 {
			return 4, string([]byte{byte(v)})
		}
	}
	return 0, ""
}

var (
	plain    = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)
	variable = regexp.MustCompile(`\$\$|\$\{[A-Za-z_][A-Za-z0-9_]*\}`)
	wholeVar = regexp.MustCompile(`^\$[A-Za-z_][A-Za-z0-9_]*$`)
)

// quoted spells a word for a shell. A variable of systemd stays one: ${X} as a part of
// the word, $X alone as however many words it holds.
func quoted(word string) string {
	switch {
	case wholeVar.MatchString(word):
		return word
	case plain.MatchString(word):
		return word
	case !variable.MatchString(word):
		return single(word)
	}
	var b strings.Builder
	at := 0
	for _, m := range variable.FindAllStringIndex(word, -1) {
		if at < m[0] {
			b.WriteString(single(word[at:m[0]]))
		}
		if v := word[m[0]:m[1]]; v == "$$" {
			b.WriteString("'$'")
		} else {
			b.WriteString(`"` + v + `"`)
		}
		at = m[1]
	}
	if at < len(word) {
		b.WriteString(single(word[at:]))
	}
	return b.String()
}

func single(s string) string {
	if plain.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// specifiers are what % stands for in a unit, as far as the names of files tell.
func specifiers(text, name string) (string, error) {
	base, _, _ := strings.Cut(name, ".")
	prefix, instance, _ := strings.Cut(base, "@")
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '%' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		switch text[i] {
		case '%':
			b.WriteByte('%')
		case 'i', 'I':
			b.WriteString(instance)
		case 'p', 'P':
			b.WriteString(prefix)
		case 'n':
			b.WriteString(name)
		case 'N':
			b.WriteString(base)
		default:
			return "", fmt.Errorf("%%%c is not known here: write what systemd puts for it", text[i])
		}
	}
	return b.String(), nil
}
