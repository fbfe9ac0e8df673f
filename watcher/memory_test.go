package watcher

import (
	"fmt"
	"testing"

	"spool.internal/watcher/settle"
)

func TestMemory(t *testing.T) {
	m := newMemory()
	s := settle.Stat{Inode: 1, Size: 2}
	m.begin()
	for i := range 10 {
		m.keep(fmt.Sprint(i), s)
	}
	m.end()
	if !m.knows("3", s) || m.knows("3", settle.Stat{Inode: 1, Size: 3}) || m.knows("none", s) {
		t.Error("what is known is confused")
	}
	m.begin()
	m.knowsName("3")
	m.keep("new", s)
	m.end()
	if len(m.names) != 2 || !m.knowsName("3") || !m.knowsName("new") {
		t.Errorf("after a scan that saw one of ten, and a new one: %v", m.names)
	}
}
