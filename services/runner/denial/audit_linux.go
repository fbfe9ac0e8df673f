package denial

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Audit reads in the kernel's audit what Landlock denied to flows. Only root can read it, and
// only where it is on. It is safe for concurrent use.
type Audit struct {
	mu      sync.Mutex
	flows   map[int]*Heard      // by the process that shut itself in
	domains map[string]*Heard   // by the domain of Landlock that the process is in
	early   map[string][]Denial // by domain, while it is not known whose that is
}

// Heard is what was denied to one flow.
type Heard struct {
	pid     int
	denials []Denial
}

// Denial is one denial. The path of what was to be made or removed is that of its folder.
type Denial struct {
	blockers string // what it would have taken: fs.read_file, net.bind_tcp, …
	path     string // empty: it is about no file
}

const (
	mostHeard   = 256                   // of a flow, and of flows that are not known yet
	auditSettle = 50 * time.Millisecond // until the kernel has said what it knows
)

// auditSocket opens the kernel's audit for reading, if this process may and it is on.
func auditSocket() (*os.File, bool) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_AUDIT)
	if err != nil {
		return nil, false
	}
	f := os.NewFile(uintptr(fd), "audit")
	if unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1 << (unix.AUDIT_NLGRP_READLOG - 1)}) != nil || !auditIsOn(fd) {
		_ = f.Close()
		return nil, false
	}
	return f, true
}

// Tells reports whether there is an audit that this process can read.
func Tells() bool {
	f, on := auditSocket()
	if on {
		_ = f.Close()
	}
	return on
}

const netlinkHeader = 16 // struct nlmsghdr

func auditIsOn(fd int) bool {
	request := make([]byte, netlinkHeader)
	binary.NativeEndian.PutUint32(request, netlinkHeader)
	binary.NativeEndian.PutUint16(request[4:], unix.AUDIT_GET)
	binary.NativeEndian.PutUint16(request[6:], unix.NLM_F_REQUEST)
	if unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}) != nil {
		return false
	}
	answer := make([]byte, 16<<10)
	for range 20 { // records can come before the answer
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 100)
		n, _, err := unix.Recvfrom(fd, answer, 0)
		if err == nil && n >= netlinkHeader && binary.NativeEndian.Uint16(answer[4:]) == unix.NLMSG_ERROR {
			return false
		}
		if err == nil && n >= netlinkHeader+8 && binary.NativeEndian.Uint16(answer[4:]) == unix.AUDIT_GET {
			return binary.NativeEndian.Uint32(answer[netlinkHeader+4:]) != 0 // struct audit_status: a mask, and then whether it is on
		}
		if err != nil && err != unix.EINTR && err != unix.EAGAIN {
			return false
		}
	}
	return false
}

// Keep reads the audit until ctx ends.
func (h *Audit) Keep(ctx context.Context) {
	f, on := auditSocket()
	if !on {
		return
	}
	defer context.AfterFunc(ctx, func() { _ = f.Close() })()
	for buf := make([]byte, 16<<10); ctx.Err() == nil; {
		n, err := f.Read(buf)
		if err != nil && ctx.Err() == nil {
			time.Sleep(time.Millisecond) // there was more than it could keep: what follows is whole again
			continue
		}
		if n > netlinkHeader {
			h.hear(binary.NativeEndian.Uint16(buf[4:]), string(buf[netlinkHeader:n]))
		}
	}
}

var (
	auditDomain  = regexp.MustCompile(`^audit\([^)]*\): domain=([0-9a-f]+) `)
	auditAccess  = regexp.MustCompile(` blockers=(\S+)(?: path=("[^"]*"|[0-9A-F]+))?`)
	auditProcess = regexp.MustCompile(` status=allocated .*\bpid=(\d+) `)
)

// hear takes in a record. The kernel names the process of a domain after its first denial.
func (h *Audit) hear(kind uint16, text string) {
	m := auditDomain.FindStringSubmatch(text)
	if m == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	domain := m[1]
	switch kind {
	case unix.AUDIT_LANDLOCK_ACCESS:
		a := auditAccess.FindStringSubmatch(text)
		if a == nil {
			return
		}
		d := Denial{a[1], auditPath(a[2])}
		if flow := h.domains[domain]; flow != nil {
			flow.add(d)
		} else if len(h.early) < mostHeard {
			h.early[domain] = append(h.early[domain], d)
		}
	case unix.AUDIT_LANDLOCK_DOMAIN:
		early := h.early[domain]
		delete(h.early, domain)
		p := auditProcess.FindStringSubmatch(text)
		if p == nil {
			return
		}
		pid, _ := strconv.Atoi(p[1])
		if flow := h.flows[pid]; flow != nil {
			h.domains[domain] = flow
			for _, d := range early {
				flow.add(d)
			}
		}
	}
}

func (f *Heard) add(d Denial) {
	if len(f.denials) >= mostHeard {
		f.denials = slices.Delete(f.denials, 0, 1)
	}
	f.denials = append(f.denials, d)
}

// auditPath reads a path: in quotes, or in hexadecimal digits where it has characters
// that quotes cannot hold.
func auditPath(text string) string {
	if quoted, is := strings.CutPrefix(text, `"`); is {
		return strings.TrimSuffix(quoted, `"`)
	}
	path, _ := hex.DecodeString(text) // the pattern lets nothing else through
	return string(path)
}

// Watch begins to note what is denied to the flow of a guard; nil: it cannot be known.
func (h *Audit) Watch(guard int) *Heard {
	pid := strconv.Itoa(guard)
	children, _ := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children") // without it nothing is noted
	child, err := strconv.Atoi(strings.TrimSpace(string(children)))
	if err != nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.flows == nil {
		h.flows, h.domains, h.early = map[int]*Heard{}, map[string]*Heard{}, map[string][]Denial{}
	}
	flow := &Heard{pid: child}
	h.flows[child] = flow
	return flow
}

// Unwatch returns what was denied to a flow that has ended. After one that failed it waits until
// the kernel has said what it knows.
func (h *Audit) Unwatch(flow *Heard, failed bool) []Denial {
	if flow == nil {
		return nil
	}
	if failed {
		time.Sleep(auditSettle)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.flows, flow.pid)
	for domain, of := range h.domains {
		if of == flow {
			delete(h.domains, domain)
		}
	}
	return flow.denials
}
