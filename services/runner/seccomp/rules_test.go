package seccomp

import (
	"strings"
	"sync"
	"testing"
)

// known are the numbers of all calls, read once.
var known struct {
	sync.Mutex
	of map[string]map[string]int
}

const (
	top = 1 << 32        // a bit that the kernel cuts off where it reads an int
	neg = 0xffffffff     // -1 as an int
	at  = 0x7f0000001000 // where a pointer leads
)

// try is a call and what the filter says to it, by what is granted.
type try struct {
	call string
	args []uint64
	want uint32
}

func a(args ...uint64) []uint64 { return args }

// tries are calls without a grant.
var tries = []try{
	{"chmod", a(at, 0o755), eperm},
	{"fchmod", a(3, 0o755), allow},
	{"fchmod", a(3, 0o1777), allow},
	{"fchmod", a(3, 0o4755), eperm},
	{"fchmod", a(3, 0o2755), eperm},
	{"fchmod", a(3, 0o106755), eperm},
	{"mkdir", a(at, 0o777), allow},
	{"mkdir", a(at, 0o2777), eperm},
	{"mkdirat", a(3, at, 0o777), allow},
	{"mkdirat", a(3, at, 0o4777), eperm},
	{"mknod", a(at, 0o100644), allow},
	{"mknod", a(at, 0o010644), allow},
	{"mknod", a(at, 0o140644), allow},
	{"mknod", a(at, 0o104755), eperm},
	{"mknod", a(at, 0o020666), eperm},
	{"mknod", a(at, 0o060666), eperm},
	{"mknodat", a(3, at, 0o010644), allow},
	{"mknodat", a(3, at, 0o102755), eperm},
	{"mknodat", a(3, at, 0o060666), eperm},
	{"creat", a(at, 0o666), allow},
	{"creat", a(at, 0o4755), eperm},
	{"open", a(at, 0, 0o4755), allow},
	{"open", a(at, 0o101, 0o644), allow},
	{"open", a(at, 0o101, 0o4755), eperm},
	{"open", a(at, top|0o100, 0o2755), eperm},
	{"openat", a(neg, at, 0o2000000, 0o6000), allow},
	{"openat", a(neg, at, 0o101, 0o666), allow},
	{"openat", a(neg, at, 0o100, 0o4711), eperm},
	{"openat", a(neg, at, 0o20200002, 0o2711), eperm},
	{"openat", a(neg, at, 0o100, top|0o6777), eperm},

	{"clone", a(0x01200011), allow},
	{"clone", a(0x3d0f00), allow},
	{"clone", a(0x4111), allow},
	{"unshare", a(0x400), allow},
	{"unshare", a(0x200), allow},
	{"unshare", a(0x80), eperm},
	{"setns", a(3, 0), eperm},
	{"clone3", a(at, 88), enosys},
	{"clone", a(0x8011), eperm},
	{"clone", a(0x020000), eperm},
	{"clone", a(0x02000000), eperm},
	{"clone", a(0x04000000), eperm},
	{"clone", a(0x08000000), eperm},
	{"clone", a(0x10000011), eperm},
	{"clone", a(0x20000000), eperm},
	{"clone", a(0x40000000), eperm},
	{"clone", a(top | 0x10000000), eperm},
	{"unshare", a(0x020000), eperm},
	{"unshare", a(0x10000000), eperm},
	{"unshare", a(0x60000000), eperm},
	{"unshare", a(top | 0x40000000), eperm},

	{"prlimit64", a(0, 7, at, at), allow},
	{"prlimit64", a(1, 7, at), eperm},
	{"prlimit64", a(neg, 7, 0, at), eperm},
	{"prlimit64", a(top, 7, at), allow},
	{"prlimit64", a(top|4, 7, at), eperm},
	{"setpriority", a(0, 0, 10), allow},
	{"setpriority", a(0, 4, 10), eperm},
	{"setpriority", a(1, 0, 10), eperm},
	{"setpriority", a(2, 0, 10), eperm},
	{"setpriority", a(top, top|7), eperm},
	{"ioprio_set", a(1, 0, 0), allow},
	{"ioprio_set", a(1, 9, 0), eperm},
	{"ioprio_set", a(2, 0, 0), eperm},
	{"ioprio_set", a(3, 0, 0), eperm},
	{"migrate_pages", a(0), allow},
	{"migrate_pages", a(5), eperm},
	{"move_pages", a(0), allow},
	{"move_pages", a(5), eperm},
	{"get_robust_list", a(5), eperm},
	{"sched_setscheduler", a(0, 0, at), allow},
	{"sched_setscheduler", a(5, 0, at), eperm},
	{"sched_setparam", a(5), eperm},
	{"sched_setattr", a(5), eperm},
	{"sched_setaffinity", a(0, 8, at), allow},
	{"sched_setaffinity", a(5, 8, at), eperm},
	{"ioctl", a(0, 0x5401, at), allow},
	{"ioctl", a(0, 0x5412, at), eperm},
	{"ioctl", a(0, top|0x5412, at), eperm},
	{"ioctl", a(0, 0x541c, at), eperm},
	{"ioctl", a(0, 0x541d, at), eperm},

	{"utimensat", a(3, 0, at, 0), allow},
	{"utimensat", a(neg, at, at, 0), eperm},
	{"utimensat", a(neg, top, at, 0), eperm},
	{"utimensat", a(neg, 8, at, 0), eperm},
	{"fchmodat", a(3, at, 0o644), eperm},
	{"fchmodat2", a(3, at, 0o644, 0x1000), eperm},
	{"fchown", a(3, 0, 0), allow},
	{"fsetxattr", a(3), allow},
	{"futimesat", a(3), eperm},
	{"inotify_add_watch", a(3, at, 2), eperm},

	{"socket", a(2, 1, 0), allow},
	{"socket", a(2, 1, 6), allow},
	{"socket", a(10, 0o2004001, 6), allow},
	{"socket", a(2, 2, 0), allow},
	{"socket", a(2, 2, 17), allow},
	{"socket", a(2, 2, 1), allow},
	{"socket", a(10, 2, 58), allow},
	{"socket", a(top|2, top|1, top|6), allow},
	{"socket", a(2, 1, 262), eprotonosupport},
	{"socket", a(10, 0o2000001, 262), eprotonosupport},
	{"socket", a(2, 1, top|262), eprotonosupport},
	{"socket", a(2, 1, 132), eprotonosupport},
	{"socket", a(2, 1, 256), eprotonosupport},
	{"socket", a(2, 2, 136), eacces},
	{"socket", a(2, 3, 1), eacces},
	{"socket", a(2, 5, 132), eacces},
	{"socket", a(2, 6, 33), eacces},
	{"socket", a(2, 10, 0), eacces},
	{"socket", a(2, 0x11, 0), eacces},
	{"socket", a(1, 1, 0), eacces},
	{"socket", a(1, 2, 0), eacces},
	{"socket", a(16, 3, 0), eacces},
	{"socket", a(17, 3, 0x300), eacces},
	{"socket", a(38, 5, 0), eacces},
	{"socket", a(40, 1, 0), eacces},
	{"socket", a(43, 1, 0), eacces},
	{"socket", a(44, 3, 0), eacces},
	{"socket", a(0, 1, 0), eacces},
	{"socket", a(neg, 1, 0), eacces},
	{"socketpair", a(1, 1, 0), allow},
	{"socketpair", a(1, 0o2004005, 0), allow},
	{"socketpair", a(1, 2, 0), eacces},
	{"socketpair", a(1, 3, 0), eacces},
	{"socketpair", a(30, 1, 0), eacces},
	{"listen", a(3, 1), eacces},
	{"setsockopt", a(3, 6, 1, at, 4), allow},
	{"setsockopt", a(3, 0, 31, at, 4), allow},
	{"setsockopt", a(3, 0, 4, at, 12), allow},
	{"setsockopt", a(3, 6, 31, at, 3), eperm},
	{"setsockopt", a(top|3, top|6, top|31, at, 3), eperm},
	{"bind", a(3, at, 16), allow},
	{"connect", a(3, at, 16), allow},
	{"execve", a(at, at, at), allow},
	{"fork", nil, allow},
}

func TestTries(t *testing.T) {
	onBoth(t, func(t *testing.T, goarch string) {
		m := flow(t, goarch, Grants{})
		for _, c := range tries {
			if _, there := numbers(t, goarch)[c.call]; !there {
				continue // an older form, which amd64 alone has
			}
			if v := m.call(c.call, c.args...); v != c.want {
				t.Errorf("%s(%#x): %s, want %s", c.call, c.args, name(v), name(c.want))
			}
		}
		for _, names := range append([]string{byPath}, needless...) {
			for call := range strings.FieldsSeq(names) {
				if _, there := numbers(t, goarch)[call]; !there {
					continue
				}
				for _, args := range [][]uint64{nil, {neg, neg, neg, neg, neg, neg}, {at, at, at}} {
					if v := m.call(call, args...); v != eperm {
						t.Errorf("%s: %s", call, name(v))
					}
				}
			}
		}
		for call := range strings.FieldsSeq(unjudgeable) {
			if v := m.call(call, at, at); v != enosys {
				t.Errorf("%s: %s", call, name(v))
			}
		}
		for call := range strings.FieldsSeq(harmlessCalls) {
			if _, there := numbers(t, goarch)[call]; there {
				if v := m.call(call, neg, neg, neg); v != allow {
					t.Errorf("%s: %s", call, name(v))
				}
			}
		}
	})
}

// Each grant opens what it says, and nothing else.
func TestGrants(t *testing.T) {
	opens := map[string]struct {
		g     Grants
		tries []try
	}{
		"listen": {Grants{Listen: true}, []try{{"listen", a(3, 1), allow}}},
		"unix": {Grants{Unix: true}, []try{
			{"socket", a(1, 1, 0), allow},
			{"socket", a(1, 0o2000002, 0), allow},
			{"socket", a(1, 5, 0), allow},
			{"socketpair", a(1, 2, 0), allow},
			{"socketpair", a(1, 3, 0), allow},
		}},
		"names": {Grants{Names: true}, []try{
			{"chmod", a(at, 0o755), allow},
			{"chmod", a(at, 0o4755), eperm},
			{"chmod", a(at, 0o2755), eperm},
			{"fchmodat", a(3, at, 0o644), allow},
			{"fchmodat", a(3, at, 0o4644), eperm},
			{"fchmodat2", a(3, at, 0o644, 0x1000), allow},
			{"fchmodat2", a(3, at, 0o6644, 0x1000), eperm},
			{"chown", a(at, 0, 0), allow},
			{"fchownat", a(3, at, 0, 0), allow},
			{"utimensat", a(neg, at, at, 0), allow},

			{"setxattr", a(at, at), allow},
		}},
		"watch": {Grants{Watch: true}, []try{{"inotify_add_watch", a(3, at, 2), allow}}},
		"own process ids": {Grants{OwnPIDs: true}, []try{
			{"sched_setscheduler", a(5, 0, at), allow},
			{"sched_setparam", a(5), allow},
			{"sched_setattr", a(5), allow},
			{"sched_setaffinity", a(5, 8, at), allow},
			{"prlimit64", a(5, 7, at), eperm},
		}},
		"pinned": {Grants{Pinned: true}, []try{{"sched_setaffinity", a(0, 8, at), eperm}, {"sched_setaffinity", a(5, 8, at), eperm}}},
		"asked": {Grants{Asked: true}, []try{
			{"connect", a(3, at, 16), ask},
			{"connect", a(top|3, 0, 0), ask},
			{"socket", a(2, 1, 0), allow},
			{"socket", a(10, 0o2004001, 6), allow},
			{"socket", a(2, 2, 0), eacces},
			{"socket", a(2, 2, 17), eacces},
			{"socket", a(10, 2, 58), eacces},
			{"socket", a(2, 3, 1), eacces},
			{"socket", a(1, 1, 0), eacces},
			{"socket", a(2, 1, 262), eprotonosupport},
			{"sendto", a(3, at, 9, 0, at, 16), allow}, // TCP has no use for the address
			{"sendto", a(3, at, 9, 0x20000000, at, 16), eopnotsupp},
			{"sendto", a(3, at, 9, top|0x20004000, at, 16), eopnotsupp},
			{"sendmsg", a(3, at, 0x4000), allow},
			{"sendmsg", a(3, at, 0x20000000), eopnotsupp},
			{"sendmmsg", a(3, at, 1, 0), allow},
			{"sendmmsg", a(3, at, 1, 0x20000040), eopnotsupp},
			{"setsockopt", a(3, 6, 1, at, 4), allow},
			{"setsockopt", a(3, 1, 4, at, 4), allow},
			{"setsockopt", a(3, 0, 1, at, 4), allow},
			{"setsockopt", a(3, 0, 4, at, 12), eperm},
			{"setsockopt", a(3, top, top|4, at, 12), eperm},
			{"setsockopt", a(3, 41, 26, at, 4), allow},
			{"setsockopt", a(3, 41, 57, at, 24), eperm},
			{"setsockopt", a(3, 41, 6, at, 24), eperm},
			{"setsockopt", a(3, 6, 31, at, 3), eperm},
		}},
		"hears": {Grants{Hears: true, Unix: true}, []try{
			{"listen", a(3, 5), ask}, {"socket", a(1, 1, 0), allow}, {"socketpair", a(1, 2, 0), allow}, {"bind", a(3, at, 110), allow}, {"connect", a(3, at, 110), allow},
		}},
		"hears, without sockets": {Grants{Hears: true}, []try{{"listen", a(3, 5), eacces}, {"socket", a(1, 1, 0), eacces}}},
		"hears, offline":         {Grants{Hears: true, Unix: true, Offline: true}, []try{{"listen", a(3, 5), eacces}, {"socket", a(1, 1, 0), eacces}, {"socket", a(2, 1, 0), eacces}}},
		"hears, with local sockets": {Grants{Hears: true, Unix: true, Offline: true, Local: true}, []try{
			{"listen", a(3, 5), ask}, {"socket", a(2, 1, 0), eacces}, {"socket", a(1, 1, 0), allow}, {"socketpair", a(1, 2, 0), allow},
		}},
		"hears, but need not": {Grants{Hears: true, Unix: true, Listen: true}, []try{{"listen", a(3, 5), allow}, {"socket", a(1, 1, 0), allow}, {"socketpair", a(1, 2, 0), allow}}},
		"asked, with sockets": {Grants{Asked: true, Unix: true}, []try{
			{"connect", a(3, at, 110), ask},
			{"socket", a(1, 2, 0), allow},
			{"socket", a(2, 2, 0), eacces},
			{"socketpair", a(1, 2, 0), allow},
			{"setsockopt", a(3, 0, 4, at, 12), eperm},
		}},
		"offline": {Grants{Offline: true, Listen: true, Unix: true}, []try{
			{"socket", a(2, 1, 0), eacces},
			{"socket", a(2, 2, 17), eacces},
			{"socket", a(1, 1, 0), eacces},
			{"socket", a(10, 1, 262), eacces},
			{"listen", a(3, 1), eacces},
			{"socketpair", a(1, 1, 0), allow},
			{"socketpair", a(1, 2, 0), eacces},
			{"io_uring_setup", a(8, at), enosys},
		}},
	}
	onBoth(t, func(t *testing.T, goarch string) {
		for what, o := range opens {
			m, plain := flow(t, goarch, o.g), flow(t, goarch, Grants{})
			mine := map[string]bool{"utimes": what == "names", "futimesat": what == "names"}
			for _, c := range o.tries {
				mine[c.call] = true
				if _, there := numbers(t, goarch)[c.call]; !there {
					continue
				}
				if v := m.call(c.call, c.args...); v != c.want {
					t.Errorf("%s: %s(%#x): %s, want %s", what, c.call, c.args, name(v), name(c.want))
				}
			}
			for _, c := range tries {
				if _, there := numbers(t, goarch)[c.call]; there && !mine[c.call] && m.call(c.call, c.args...) != plain.call(c.call, c.args...) {
					t.Errorf("%s also changes %s(%#x) to %s", what, c.call, c.args, name(m.call(c.call, c.args...)))
				}
			}
		}
	})
}

func TestOffline(t *testing.T) {
	onBoth(t, func(t *testing.T, goarch string) {
		filter, err := Offline(goarch)
		m := newMachine(t, goarch, filter, err)
		for _, c := range []try{
			{"socket", a(2, 1, 0), eacces},
			{"socket", a(1, 1, 0), eacces},
			{"socket", a(16, 3, 0), eacces},
			{"listen", a(3, 1), eacces},
			{"socketpair", a(1, 1, 0), allow},
			{"socketpair", a(1, 2, 0), eacces},
			{"io_uring_setup", a(8, at), eacces},
			{"mount", nil, allow},
			{"fchmodat", a(3, at, 0o4755), allow},
			{"clone3", a(at), allow},
		} {
			if v := m.call(c.call, c.args...); v != c.want {
				t.Errorf("%s(%#x): %s, want %s", c.call, c.args, name(v), name(c.want))
			}
		}
		if v := m.run(Newest+1, architectures[goarch].audit); v != allow {
			t.Errorf("a newer call: %s", name(v))
		}
	})
}
