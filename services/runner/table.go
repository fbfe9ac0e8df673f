package runner

// process is an entry of the process table of this host.
type process struct {
	pid    int
	group  int    // the process group it is in
	start  string // when it was started, as the kernel spells it; with the pid it names one process of one boot
	zombie bool   // it has exited and waits to be reaped
}

// countAlive counts those of list that have not exited.
func countAlive(list []process) (n int) {
	for _, p := range list {
		if !p.zombie {
			n++
		}
	}
	return n
}
