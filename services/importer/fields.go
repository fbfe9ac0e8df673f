package importer

import "spool.internal/services/importer/manifest"

// Fields says of each field of a document what becomes of it: for sources that are YAML
// or JSON.
type Fields struct {
	*Account
	Key string // of the job that is read
}

// Frame says that a value only holds others.
func (f Fields) Frame(n *manifest.Node) {
	if n != nil {
		f.Say(n.Key, Nothing, f.Key)
	}
}

// Take says that a value is taken, all of it.
func (f Fields) Take(n *manifest.Node) { f.Tell(n, Taken) }

// Warn says that a value is taken in another way, or not at all.
func (f Fields) Warn(n *manifest.Node, reason string) { f.Tell(n, Warning, reason) }

// Refuse says that a value cannot be taken.
func (f Fields) Refuse(n *manifest.Node, reason string) { f.Tell(n, Refused, reason) }

// Tell says it of a value and of all in it. The reason stands at its key alone.
func (f Fields) Tell(n *manifest.Node, v Verdict, reasons ...string) {
	if n == nil {
		return
	}
	f.Say(n.Key, v, f.Key, reasons...)
	f.below(n, v)
}

func (f Fields) below(n *manifest.Node, v Verdict) {
	f.Say(n.Line, v, f.Key)
	for _, m := range n.Members {
		f.Say(m.Value.Key, v, f.Key)
		f.below(m.Value, v)
	}
	for _, item := range n.Items {
		f.below(item, v)
	}
}

// Rest says of the fields that have no name in known that they are not taken.
func (f Fields) Rest(n *manifest.Node, reason string, known ...string) {
	if n == nil {
		return
	}
	for _, m := range n.Members {
		named := false
		for _, key := range known {
			named = named || key == m.Name
		}
		if !named {
			f.Warn(m.Value, m.Name+" "+reason)
		}
	}
}
