package seccomp

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/net/bpf"
)

// Grants say in what the filters of flows differ. The zero value grants least.
type Grants struct {
	Listen  bool // it may wait for connections
	Hears   bool // else whoever listens to the filter has sockets of AF_UNIX do so
	Unix    bool // it may make AF_UNIX sockets: no socket of anybody else is within its reach
	Names   bool // it may change modes, owners, times and attributes by path: what it can name is its own, or another user's
	Watch   bool // it may be told what happens in folders: what it can name is its own
	OwnPIDs bool // it has process ids of its own: a number names none of anybody else's
	Offline bool // it may make no sockets at all, whatever else is granted
	Local   bool // but AF_UNIX, though it is Offline: see Unix
	Pinned  bool // it may not choose other processors than it was given
	Asked   bool // of networks it may use TCP alone, and whoever listens to the filter connects for it
}

// Newest is the highest number that the package has judged, on any architecture.
const Newest = 471

// The values of a filter, as the kernel reads them.
const (
	kill  = 0x80000000 // the process, with SIGSYS
	fail  = 0x00050000 // with the error in the low bits
	ask   = 0x7fc00000 // whoever listens to the filter
	allow = 0x7fff0000

	eperm           = fail | 1
	eacces          = fail | 13
	enosys          = fail | 38
	eprotonosupport = fail | 93
	eopnotsupp      = fail | 95
)

// Where the fields of struct seccomp_data lie; both architectures are little-endian.
const (
	atNumber = 0
	atArch   = 4
	atArgs   = 16
)

// arch is an architecture whose calls the package knows.
type arch struct {
	audit uint32 // its name in seccomp_data
	x32   bool   // it has a second table of calls, whose numbers have a high bit set
	of    func(call) int
}

var architectures = map[string]arch{
	"amd64": {0xc000003e, true, func(c call) int { return c.amd64 }},
	"arm64": {0xc00000b7, false, func(c call) int { return c.arm64 }},
}

// Known reports whether there are filters for an architecture, in the words of GOARCH.
func Known(goarch string) bool { _, ok := architectures[goarch]; return ok }

// Flow gives the filter of a flow that is shut in.
func Flow(goarch string, g Grants) ([]bpf.RawInstruction, error) {
	return build(goarch, g.rules(), enosys)
}

// Offline gives the filter of a flow that may make no sockets and is free otherwise.
func Offline(goarch string) ([]bpf.RawInstruction, error) {
	return build(goarch, offline(eacces), allow)
}

// Bytes gives a filter as the kernel reads it: an array of struct sock_filter.
func Bytes(filter []bpf.RawInstruction) []byte {
	var b []byte
	for _, i := range filter {
		b = binary.LittleEndian.AppendUint16(b, i.Op)
		b = append(b, i.Jt, i.Jf)
		b = binary.LittleEndian.AppendUint32(b, i.K)
	}
	return b
}

// code ends in a verdict on every way through it.
type code []bpf.Instruction

// build makes a filter of what rules say about the calls that they name.
func build(goarch string, rules map[string]code, unknown uint32) ([]bpf.RawInstruction, error) {
	a, ok := architectures[goarch]
	if !ok {
		return nil, fmt.Errorf("the system calls of %s are not known here", goarch)
	}
	parts := []part{{0, verdict(allow)}}
	byNumber := map[int]code{}
	for name, c := range rules {
		if n := a.of(calls[name]); n != none {
			byNumber[n] = c
		}
	}
	for _, n := range slices.Sorted(maps.Keys(byNumber)) {
		if last := &parts[len(parts)-1]; last.from == uint32(n) {
			last.code = byNumber[n]
		} else {
			parts = append(parts, part{uint32(n), byNumber[n]})
		}
		parts = append(parts, part{uint32(n) + 1, verdict(allow)})
	}
	parts = append(parts, part{Newest + 1, verdict(unknown)})
	parts = slices.CompactFunc(parts, func(a, b part) bool { return slices.Equal(a.code, b.code) })
	program := code{
		bpf.LoadAbsolute{Off: atArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: a.audit, SkipTrue: 1},
		bpf.RetConstant{Val: kill},
		bpf.LoadAbsolute{Off: atNumber, Size: 4},
	}
	if a.x32 {
		program = append(program, bpf.JumpIf{Cond: bpf.JumpLessThan, Val: 0x40000000, SkipTrue: 1}, bpf.RetConstant{Val: kill})
	}
	return bpf.Assemble(append(program, tree(parts)...))
}

// part is what is done with the numbers from one up to that of the next part.
type part struct {
	from uint32
	code code
}

// tree finds the part of the number in the accumulator by halves.
func tree(parts []part) code {
	if len(parts) == 1 {
		return parts[0].code
	}
	half := len(parts) / 2
	low, high := tree(parts[:half]), tree(parts[half:])
	c := code{
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: parts[half].from, SkipTrue: 1},
		bpf.Jump{Skip: uint32(len(low))}, // a conditional jump does not lead as far
	}
	return append(append(c, low...), high...)
}
