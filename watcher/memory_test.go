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
	if !m.has("3", s) || m.has("3", settle.Stat{Inode: 1, Size: 3}) || m.has("none", s) {
		t.Error("what is known is confused")
	}
	m.begin()
	m.holds("3")
	m.keep("new", s)
	m.end()
	if len(m.names) != 2 || !m.holds("3") || !m.holds("new") {
		t.Errorf("after a scan that saw one of ten, and a new one: %v", m.names)
	}
}
