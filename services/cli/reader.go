package cli

import (
	"embed"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	template "github.com/DataDog/datadog-agent/pkg/template/text"

	"spool.internal/gateway/client"
)

// readers are small programs that print what a subscriber sees, by language.
//
//go:embed reader
var readers embed.FS

// readerQuotes quotes a string in each language.
var readerQuotes = map[string]func(string) string{
	"go":     strconv.Quote,
	"python": strconv.QuoteToASCII,
	"nats":   func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" },
}

// checkReader refuses an unknown language.
func checkReader(language string) error {
	if readerQuotes[language] == nil {
		return fmt.Errorf("print: %q is not one of go, python, nats", language)
	}
	return nil
}

// program returns a program, in the language of --print, that reads the events of a
// subscriber.
func (o *subscribing) program(of client.NewSubscriber) (string, error) {
	text, err := readers.ReadFile("reader/" + o.print + ".tmpl")
	if err != nil {
		return "", err
	}
	creds, err := filepath.Abs(o.out)
	if err != nil {
		return "", err
	}
	quote := readerQuotes[o.print]
	var b strings.Builder
	err = template.Must(template.New(o.print).Parse(string(text))).Execute(&b, map[string]any{
		"URL": quote(o.address), "Creds": quote(creds), "Stream": quote(string(of.Stream)), "Consumer": quote(of.Consumer), "Asks": o.trigger,
	})
	return b.String(), err
}
