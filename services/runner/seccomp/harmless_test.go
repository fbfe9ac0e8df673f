package seccomp

// harmlessCalls are those that somebody has looked at and found to need no rule:
// they reach no further than the caller, what it has open, or what other rules,
// Landlock's and those about users, hold.
const harmlessCalls = `accept accept4 access afs_syscall alarm arch_prctl arch_specific_syscall bind brk cachestat capget capset chdir clock_getres
	clock_gettime clock_nanosleep close close_range connect copy_file_range dup dup2 dup3 epoll_create epoll_create1 epoll_ctl
	epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat
	faccessat2 fadvise64 fallocate fchdir fchown fcntl fdatasync fgetxattr file_getattr flistxattr flock fork fremovexattr fsetxattr
	fstat fstatfs fsync ftruncate futex futex_requeue futex_wait futex_waitv futex_wake get_mempolicy get_thread_area getcpu getcwd
	getdents getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid getpgrp getpid getpmsg getppid getpriority
	getrandom getresgid getresuid getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getxattr getxattrat
	inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit ioprio_get kill
	landlock_add_rule landlock_create_ruleset landlock_restrict_self lgetxattr link linkat listxattr listxattrat llistxattr lseek
	lsm_get_self_attr lsm_list_modules lsm_set_self_attr lstat madvise map_shadow_stack mbind membarrier memfd_create memfd_secret
	mincore mlock mlock2 mlockall mmap modify_ldt mprotect mremap mseal msync munlock munlockall munmap name_to_handle_at nanosleep
	newfstatat pause personality pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64 preadv preadv2 pselect6
	putpmsg pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recvfrom recvmmsg recvmsg remap_file_pages rename
	renameat renameat2 restart_syscall rmdir rseq rseq_slice_yield rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
	rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity
	sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_yield seccomp security select sendfile sendmmsg
	sendmsg sendto set_mempolicy set_mempolicy_home_node set_robust_list set_thread_area set_tid_address setfsgid setfsuid setgid
	setgroups setitimer setpgid setregid setresgid setresuid setreuid setrlimit setsid setuid shutdown sigaltstack
	signalfd signalfd4 splice stat statfs statx symlink symlinkat sync sync_file_range syncfs sysfs sysinfo tee tgkill time
	timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill
	truncate tuxcall umask uname unlink unlinkat uprobe uretprobe ustat vfork vmsplice vserver wait4 waitid write writev`
