package seccomp

import (
	"maps"
	"strings"
)

// unjudgeable are calls whose arguments lie behind pointers, or that make other
// calls in the caller's name. Each has an older form.
const unjudgeable = `clone3 openat2 io_uring_setup io_uring_enter io_uring_register pidfd_open pidfd_send_signal pidfd_getfd`

// needless are calls that no flow needs, by what they are about.
var needless = []string{
	`process_vm_readv process_vm_writev process_madvise process_mrelease kcmp ptrace`, // other processes
	`add_key request_key keyctl`, // keys
	`shmget shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv msgctl`,               // System V IPC
	`mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr`,                             // POSIX queues
	`bpf perf_event_open userfaultfd lookup_dcookie`,                                                     // the kernel's inside
	`mount umount2 pivot_root chroot open_tree open_tree_attr move_mount fsopen fsconfig fsmount fspick`, // mounts
	`mount_setattr statmount listmount quotactl quotactl_fd swapon swapoff acct nfsservctl`,              //
	`open_by_handle_at fanotify_init fanotify_mark`,                                                      // files without their paths
	`setns listns`, // namespaces
	`init_module finit_module delete_module create_module get_kernel_syms query_module kexec_load`, // the kernel itself
	`kexec_file_load reboot syslog iopl ioperm uselib _sysctl sethostname setdomainname vhangup`,   //
	`settimeofday clock_settime adjtimex clock_adjtime`,                                            // clocks
}

// byPath are calls that change what a file is without opening it, which Landlock
// does not judge; each has a form for a file that is open.
const byPath = `chmod fchmodat fchmodat2 chown lchown fchownat utime utimes futimesat
	setxattr lsetxattr removexattr lremovexattr setxattrat removexattrat file_setattr`

// modes names the calls that take a mode, and which argument it is.
var modes = map[string]int{
	"chmod": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2,
	"mkdir": 1, "mkdirat": 2, "creat": 1,
}

// rules say what becomes of the calls that are not simply allowed.
func (g Grants) rules() map[string]code {
	r := map[string]code{}
	all := func(names string, c code) {
		for name := range strings.FieldsSeq(names) {
			r[name] = c
		}
	}
	all(unjudgeable, verdict(enosys))
	for _, names := range needless {
		all(names, verdict(eperm))
	}
	for name, arg := range modes {
		r[name] = without(arg, setID, eperm)
	}
	all("mknod", without(1, setID|device, eperm))
	all("mknodat", without(2, setID|device, eperm))
	all("open", withoutMode(1, 2, setID, eperm))
	all("openat", withoutMode(2, 3, setID, eperm))
	all("clone", without(0, newNamespace|sibling, eperm))
	all("unshare", without(0, newNamespace|newTime, eperm))
	all("setsockopt", options(g.Asked))
	all("ioctl", notInt(1, eperm, tiocSTI, tiocLinux, tiocCo))
	all("prlimit64 migrate_pages move_pages get_robust_list", onlyInt(0, eperm, 0))
	all("setpriority", ofSelf(0, eperm)) // PRIO_PROCESS
	all("ioprio_set", ofSelf(1, eperm))  // IOPRIO_WHO_PROCESS
	if !g.OwnPIDs {
		all("sched_setscheduler sched_setparam sched_setattr sched_setaffinity", onlyInt(0, eperm, 0))
	}
	if g.Pinned {
		all("sched_setaffinity", verdict(eperm))
	}
	if !g.Names {
		all(byPath, verdict(eperm))
		all("utimensat", onlyNil(1, eperm))
	}
	if !g.Watch { // of any folder that the user may read, which Landlock does not judge
		all("inotify_add_watch", verdict(eperm))
	}
	maps.Copy(r, g.networks())
	return r
}

// networks say what becomes of the calls that make sockets and connect them.
func (g Grants) networks() map[string]code {
	if g.Offline {
		r := offline(eacces)
		delete(r, "io_uring_setup") // is not there for any flow
		if g.Local {
			r["socket"] = onlyInt(0, eacces, afUnix)
			r["socketpair"] = socketpair(true)
			if g.Hears {
				r["listen"] = verdict(ask)
			}
		}
		return r
	}
	r := map[string]code{"socket": socket(g.Unix), "socketpair": socketpair(g.Unix)}
	if g.Asked {
		r["socket"], r["connect"] = tcp(g.Unix), verdict(ask)
		r["sendto"], r["sendmsg"], r["sendmmsg"] = without(3, fastOpen, eopnotsupp), without(2, fastOpen, eopnotsupp), without(3, fastOpen, eopnotsupp)
	}
	switch {
	case g.Listen:
	case g.Hears && g.Unix:
		r["listen"] = verdict(ask)
	default:
		r["listen"] = verdict(eacces)
	}
	return r
}

// offline says what becomes of the calls that make sockets; pairs that are
// connected to each other stay.
func offline(refusal uint32) map[string]code {
	return map[string]code{
		"socket": verdict(refusal), "socketpair": socketpair(false), "listen": verdict(refusal), "io_uring_setup": verdict(refusal),
	}
}
