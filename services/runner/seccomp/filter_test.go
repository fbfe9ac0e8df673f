package seccomp

import (
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
)

// machine runs a filter on made-up calls.
type machine struct {
	t      *testing.T
	goarch string
	vm     *bpf.VM
}

func newMachine(t *testing.T, goarch string, filter []bpf.RawInstruction, err error) machine {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	program, whole := bpf.Disassemble(filter)
	if !whole || len(filter) > 4096 {
		t.Fatalf("%d instructions, all understood: %v", len(filter), whole)
	}
	vm, err := bpf.NewVM(program)
	if err != nil {
		t.Fatal(err)
	}
	return machine{t, goarch, vm}
}

func flow(t *testing.T, goarch string, g Grants) machine {
	t.Helper()
	filter, err := Flow(goarch, g)
	return newMachine(t, goarch, filter, err)
}

// run gives the verdict on a call. The VM reads words as the network does, so that
// is how they are laid out here; the kernel has them in its own order.
func (m machine) run(number, audit uint32, args ...uint64) uint32 {
	m.t.Helper()
	data := make([]byte, 64)
	binary.BigEndian.PutUint32(data[0:], number)
	binary.BigEndian.PutUint32(data[4:], audit)
	for i, a := range args {
		binary.BigEndian.PutUint32(data[16+8*i:], uint32(a))
		binary.BigEndian.PutUint32(data[20+8*i:], uint32(a>>32))
	}
	v, err := m.vm.Run(data)
	if err != nil {
		m.t.Fatal(err)
	}
	return uint32(v)
}

func (m machine) call(name string, args ...uint64) uint32 {
	m.t.Helper()
	n := numbers(m.t, m.goarch)[name]
	return m.run(uint32(n), architectures[m.goarch].audit, args...)
}

// numbers are the calls of an architecture as golang.org/x/sys/unix has them.
func numbers(t *testing.T, goarch string) map[string]int {
	t.Helper()
	known.Lock()
	defer known.Unlock()
	if known.of == nil {
		known.of = map[string]map[string]int{}
		dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/sys").Output()
		if err != nil {
			t.Fatal(err)
		}
		for arch := range architectures {
			text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "unix", "zsysnum_linux_"+arch+".go"))
			if err != nil {
				t.Fatal(err)
			}
			known.of[arch] = map[string]int{}
			for _, m := range regexp.MustCompile(`(?m)^\s+SYS_(\w+)\s+= (\d+)$`).FindAllStringSubmatch(string(text), -1) {
				known.of[arch][strings.ToLower(m[1])], _ = strconv.Atoi(m[2])
			}
		}
	}
	return known.of[goarch]
}

// name gives a verdict in words.
func name(v uint32) string {
	for n, w := range map[uint32]string{
		allow: "allow", kill: "kill", eperm: "EPERM", eacces: "EACCES", enosys: "ENOSYS", eprotonosupport: "EPROTONOSUPPORT", eopnotsupp: "EOPNOTSUPP", ask: "ask",
	} {
		if n == v {
			return w
		}
	}
	return fmt.Sprintf("%#x", v)
}

func onBoth(t *testing.T, f func(t *testing.T, goarch string)) {
	for _, goarch := range slices.Sorted(maps.Keys(architectures)) {
		t.Run(goarch, func(t *testing.T) { f(t, goarch) })
	}
}

// Every number is what the system calls it, and every call that x/sys knows was
// judged: a new version of it, with new calls, fails here.
func TestEveryCallIsJudged(t *testing.T) {
	onBoth(t, func(t *testing.T, goarch string) {
		all, of := numbers(t, goarch), architectures[goarch].of
		for name, c := range calls {
			n, there := all[name]
			if !there {
				n = none
			}
			if of(c) != n {
				t.Errorf("%s: %d, want %d", name, of(c), n)
			}
		}
		rules := Grants{}.rules()
		harmless := map[string]bool{}
		for name := range strings.FieldsSeq(harmlessCalls) {
			harmless[name] = true
		}
		for name, n := range all {
			if n > Newest {
				t.Errorf("%s has the number %d, and the filter knows calls up to %d", name, n, Newest)
			}
			if _, ruled := rules[name]; ruled == harmless[name] {
				t.Errorf("%s: a rule: %v, called harmless: %v", name, ruled, harmless[name])
			}
		}
		for name := range rules {
			if _, known := calls[name]; !known {
				t.Errorf("a rule is about %q, which has no number", name)
			}
		}
	})
}

func TestForeignCallsAreKilledFirst(t *testing.T) {
	onBoth(t, func(t *testing.T, goarch string) {
		offline, err := Offline(goarch)
		for what, m := range map[string]machine{"flow": flow(t, goarch, Grants{}), "offline": newMachine(t, goarch, offline, err)} {
			for _, audit := range []uint32{0, 0x40000003, 0x40000028, 0xc000003e ^ 1, 0xc00000b7 ^ 1, 0xc00000f3, ^uint32(0)} {
				for n := range uint32(600) {
					if v := m.run(n, audit); v != kill {
						t.Fatalf("%s: call %d of %#x: %s", what, n, audit, name(v))
					}
				}
			}
			for n := range uint32(600) {
				want := uint32(kill)
				if goarch != "amd64" {
					want = enosys
				}
				if v := m.run(0x40000000|n, architectures[goarch].audit); what == "flow" && v != want || goarch == "amd64" && v != kill {
					t.Fatalf("%s: call %d with the x32 bit: %s", what, n, name(v))
				}
			}
		}
		m := flow(t, goarch, Grants{})
		for _, n := range []uint32{Newest + 1, 512, 547, 1000, 0x3fffffff} {
			if v := m.run(n, architectures[goarch].audit); v != enosys {
				t.Errorf("call %d, which nobody has judged: %s", n, name(v))
			}
		}
	})
}

func TestGrantsAndArchitecturesThatAreNone(t *testing.T) {
	if _, err := Flow("riscv64", Grants{}); err == nil || Known("riscv64") {
		t.Errorf("an architecture that is not known: %v", err)
	}
	filter, err := Flow("amd64", Grants{})
	if err != nil {
		t.Fatal(err)
	}
	if b := Bytes(filter); len(b) != 8*len(filter) || binary.LittleEndian.Uint16(b) != filter[0].Op || binary.LittleEndian.Uint32(b[4:]) != filter[0].K {
		t.Errorf("%d bytes for %d instructions", len(b), len(filter))
	}
}
