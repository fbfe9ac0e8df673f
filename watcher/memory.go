package watcher

import (
	"hash/maphash"

	"spool.internal/watcher/settle"
)

// memory remembers the files of one folder that are in the ledger, so that a scan need not ask for them. It is a cache:
// losing it costs a question to the ledger for each file. It holds as many names as lie in the folder, and only a hash
// of each file's stat.
type memory struct {
	seed  maphash.Seed
	scan  uint32 // number of the scan under way, or of the last
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

// end completes a scan: it forgets the names that the scan has not seen.
func (m *memory) end() {
	for name, k := range m.names {
		if k.scan != m.scan {
			delete(m.names, name)
		}
	}
}

// knowsName reports whether the name is known, whatever its file is by now.
func (m *memory) knowsName(name string) bool {
	k, ok := m.names[name]
	if ok && k.scan != m.scan {
		m.names[name] = mark{k.hash, m.scan}
	}
	return ok
}

// knows reports whether the file is known, and unchanged.
func (m *memory) knows(name string, s settle.Stat) bool {
	return m.knowsName(name) && m.names[name].hash == m.hash(s)
}

func (m *memory) keep(name string, s settle.Stat) {
	m.names[name] = mark{m.hash(s), m.scan}
}

// hash leaves out the change time: a chmod, or the link of a stage, makes no other file.
func (m *memory) hash(s settle.Stat) uint64 {
	s.Changed = 0
	return maphash.Comparable(m.seed, s)
}

func (m *memory) forget(name string) { delete(m.names, name) }
