package cell

import "golang.org/x/sys/unix"

// newRoot gives a root folder that is empty, or has been made.
func newRoot(rules *ruleset, made int) (*view, error) {
	var err error
	if made < 0 {
		if made, err = newFS("tmpfs", [][2]string{{"mode", "0755"}, {"size", "1m"}}); err != nil {
			return nil, err
		}
	}
	var info unix.Stat_t
	if err := unix.Fstat(made, &info); err != nil {
		return nil, err
	}
	return &view{root: made, dev: info.Dev, host: -1, proc: -1, rules: rules, in: -1}, nil
}

// furnish mounts all that neither a run nor a process is needed for.
func (v *view) furnish(r *Room) error {
	for _, g := range r.given() {
		for _, path := range g.paths {
			if err := v.common(path, r.Run, g); err != nil {
				return err
			}
		}
	}
	v.leaveDir()
	if err := v.rules.allow(v.root, unix.LANDLOCK_ACCESS_FS_READ_DIR); err != nil { // nothing is in it but what the flow is given
		return fault("landlock", "/", err)
	}
	if r.Form.Shm {
		if err := v.mountShm(); err != nil {
			return fault("mount", "/dev/shm", err)
		}
	}
	if r.Form.Proc {
		if err := v.prepareProc(); err != nil {
			return fault("mount", "/proc", err)
		}
	}
	return nil
}

// newFS makes a file system that is mounted nowhere.
func newFS(kind string, options [][2]string) (int, error) {
	fs, err := unix.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, err
	}
	defer unix.Close(fs)
	for _, o := range options {
		if err := unix.FsconfigSetString(fs, o[0], o[1]); err != nil {
			return -1, err
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, err
	}
	return unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
}
