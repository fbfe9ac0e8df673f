package cli

import "strings"

// colours of the words that stand for outcomes and states. The word says it; the colour only
// helps the eye.
var colours = map[string]string{
	"ok": "32", "enabled": "32", "live": "32", "running": "34", "waiting": "33", "retrying": "33", "called": "33",
	"failed": "31", "failing": "31", "gave up": "31", "gave_up": "31", "missed": "31", "blocked": "31",
	"disabled": "2", "never ran": "2", "never": "2", "cancelled": "2", wordless: "2",
}

// painted returns a cell in the colour of its word; the line of names is bold.
func (p *printer) painted(cell string, name bool) string {
	if !p.colour {
		return cell
	}
	code := colours[firstWords(cell)]
	if name {
		code = "1"
	}
	if code == "" {
		return cell
	}
	return "\x1b[" + code + "m" + cell + "\x1b[0m"
}

// firstWords returns a cell up to what is said about its word.
func firstWords(cell string) string {
	word, _, _ := strings.Cut(cell, " (")
	word, _, _ = strings.Cut(word, ", ")
	return word
}
