package executable

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// program is what the head of a compiled program says.
type program struct {
	os, arch string // as in Go; arch is empty where it is one that Go does not have
	loader   string // the program that loads it; empty where it needs none
}

// heads are the first bytes of programs, by system.
var heads = []struct {
	os   string
	head string
}{
	{"linux", "\x7fELF"},
	{"darwin", "\xcf\xfa\xed\xfe"},
	{"darwin", "\xce\xfa\xed\xfe"},
	{"darwin", "\xca\xfe\xba\xbe"},
	{"windows", "MZ"},
}

var arches = map[elf.Machine]string{
	elf.EM_386: "386", elf.EM_ARM: "arm", elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64", elf.EM_RISCV: "riscv64", elf.EM_S390: "s390x",
	elf.EM_PPC: "ppc", elf.EM_PPC64: "ppc64le", elf.EM_MIPS: "mips", elf.EM_LOONGARCH: "loong64",
}

func nameOf(os string) string {
	return map[string]string{"linux": "Linux", "darwin": "macOS", "windows": "Windows"}[os]
}

// readProgram recognises compiled programs.
func readProgram(head []byte) (p program, ok bool) {
	for _, h := range heads {
		if bytes.HasPrefix(head, []byte(h.head)) {
			p.os, ok = h.os, true
		}
	}
	if p.os == "linux" {
		p.readELF(head)
	}
	return p, ok
}

// readELF reads as much as the head holds.
func (p *program) readELF(head []byte) {
	if len(head) < 64 {
		return
	}
	var order binary.ByteOrder = binary.LittleEndian
	if elf.Data(head[elf.EI_DATA]) == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	p.arch = arches[elf.Machine(order.Uint16(head[18:]))]
	at, size, count, offset, length := uint64(order.Uint32(head[28:])), int(order.Uint16(head[42:])), int(order.Uint16(head[44:])), 4, 16
	wide := elf.Class(head[elf.EI_CLASS]) == elf.ELFCLASS64
	if wide {
		at, size, count, offset, length = order.Uint64(head[32:]), int(order.Uint16(head[54:])), int(order.Uint16(head[56:])), 8, 32
	}
	word := func(b []byte) uint64 {
		if wide {
			return order.Uint64(b)
		}
		return uint64(order.Uint32(b))
	}
	for i := range count {
		from := at + uint64(i*size)
		if size < length+8 || from > uint64(len(head)) || uint64(len(head))-from < uint64(size) {
			return
		}
		h := head[from : from+uint64(size)]
		if elf.ProgType(order.Uint32(h)) != elf.PT_INTERP {
			continue
		}
		begin, n := word(h[offset:]), word(h[length:])
		if begin > uint64(len(head)) || n > uint64(len(head))-begin {
			return
		}
		name, _, _ := bytes.Cut(head[begin:begin+n], []byte{0})
		p.loader = string(name)
		return
	}
}
