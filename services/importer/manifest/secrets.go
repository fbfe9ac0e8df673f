package manifest

import (
	"slices"
	"strings"

	"spool.internal/events"
)

// The places where a secret may be given as the file that holds it.
var secretPlaces = [][]string{
	{"flow_parameters", "auth_token"},
	{"flow_parameters", "settings", "webhook_config", "url"},
	{"settings", "webhook_config", "url"},
	{"flow_parameters", "settings", "webhook_config", "headers", "*"},
	{"settings", "webhook_config", "headers", "*"},
	{"spool", "notify", "to", "webhook"},
	{"spool", "heartbeat"},
}

// The secrets of a command; {file: …} has a meaning there already.
var commandSecrets = [][]string{{"run", "secrets", "*"}, {"spool", "run", "secrets", "*"}}

// secrets puts the content of files where a job names them: {file: PATH} in place of a
// secret, and {from: PATH} among those of a command.
func (p *parser) secrets(n *Node, path []string) {
	for _, m := range n.Members {
		at := append(slices.Clone(path), m.Name)
		switch {
		case m.Value.Kind != Object:
		case matches(secretPlaces, at):
			p.secret(m.Value, "file")
		case matches(commandSecrets, at):
			if f := m.Value.Get("file"); f != nil && f.Kind == Object {
				p.secret(f, "from")
			} else if m.Value.Get("from") != nil {
				p.secret(m.Value, "from")
			}
		default:
			p.secrets(m.Value, at)
		}
	}
}

func matches(places [][]string, path []string) bool {
	return slices.ContainsFunc(places, func(place []string) bool {
		return slices.EqualFunc(place, path, func(want, key string) bool { return want == "*" || want == key })
	})
}

// secret makes a text of an object that names a file.
func (p *parser) secret(n *Node, word string) {
	path, ok := n.Get(word).Text()
	if !ok || len(n.Members) != 1 {
		p.fail(n.Line, "must be a text, or {%s: PATH} with the file that holds it", word)
		return
	}
	text, err := p.read(path)
	if err != nil {
		p.fail(n.Line, "the secret cannot be read: %s", err.Error())
		return
	}
	value := strings.TrimRight(string(text), "\r\n")
	if value == "" {
		p.fail(n.Line, "the secret cannot be read: %s is empty", path)
	}
	n.Kind, n.Members, n.Scalar = Scalar, nil, events.Encode(value)
}
