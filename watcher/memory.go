package watcher

import (
	"hash/maphash"

	"spool.internal/watcher/settle"
)

// memory knows the files of one folder that are in the ledger, so that a scan
// need not ask for them. It saves work and decides nothing: losing it costs a
// question to the ledger for each file. It holds as many names as lie in the
// folder, and of what each looked like only a hash.
type memory struct {
	seed  maphash.Seed
	scan  uint32 // of the scan that runs, or of the last
	names map[string]mark
}

type mark struct {
	hash uint64
	scan uint32 // the last that saw the name
}

func newMemory() *memory {
	return &memory{seed: maphash.MakeSeed(), names: map[string]mark{}}
}

// begin starts a scan.
func (m *memory) begin() { m.scan++ }

// end forgets the names that the scan has not seen.
func (m *memory) end() {
	for name, k := range m.names {
		if k.scan != m.scan {
			delete(m.names, name)
		}
	}
}

// holds reports that the name is known, whatever the file looks like by now.
func (m *memory) knowsName(name string) bool {
	k, ok := m.names[name]
	if ok && k.scan != m.scan {
		m.names[name] = mark{k.hash, m.scan}
	}
	return ok
}

// has reports that the file is known and looks as it did.
func (m *memory) knows(name string, s settle.Stat) bool {
	return m.knowsName(name) && m.names[name].hash == m.hash(s)
}

func (m *memory) keep(name string, s settle.Stat) {
	m.names[name] = mark{m.hash(s), m.scan}
}

// look leaves out what makes no other file: a chmod, or the link of a stage.
func (m *memory) hash(s settle.Stat) uint64 {
	s.Changed = 0
	return maphash.Comparable(m.seed, s)
}

func (m *memory) forget(name string) { delete(m.names, name) }
