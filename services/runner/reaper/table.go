package reaper

// Process is an entry of the process table of this host.
type Process struct {
	PID    int
	Group  int    // the process group it is in
	Start  string // when it was started, as the kernel spells it; with the pid it names one process of one boot
	Zombie bool   // it has exited and waits to be reaped
}

// CountAlive counts those of list that have not exited.
func CountAlive(list []Process) (n int) {
	for _, p := range list {
		if !p.Zombie {
			n++
		}
	}
	return n
}
