package main

import (
	"embed"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
)

// readers are small programs that print what a subscriber sees, by language.
//
//go:embed reader
var readers embed.FS

// readerQuotes says how each language writes a string.
var readerQuotes = map[string]func(string) string{
	"go":     strconv.Quote,
	"python": strconv.QuoteToASCII,
	"nats":   func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" },
}

// checkReader says what is wrong with the name of a language.
func checkReader(language string) error {
	if readerQuotes[language] == nil {
		return wrongFlag("print", "%q is not one of go, python, nats", language)
	}
	return nil
}

// readerProgram gives a program that reads the events of a subscriber.
func readerProgram(language, address, creds, stream, consumer string, asks bool) (string, error) {
	text, err := readers.ReadFile("reader/" + language + ".tmpl")
	if err != nil {
		return "", err
	}
	if creds, err = filepath.Abs(creds); err != nil {
		return "", err
	}
	quote := readerQuotes[language]
	var b strings.Builder
	err = template.Must(template.New(language).Parse(string(text))).Execute(&b, map[string]any{
		"URL": quote(address), "Creds": quote(creds), "Stream": quote(stream), "Consumer": quote(consumer), "Asks": asks,
	})
	return b.String(), err
}
