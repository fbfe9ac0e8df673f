package process

import (
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// executable is the file that this process runs, also when a newer one has its name.
func executable() (string, error) { return "/proc/self/exe", nil }

// highDescriptor is above those that a process is started with, so that none of
// them takes the place of the program.
const highDescriptor = 32

// inMemory puts the program into a file that has no name and cannot be changed.
func inMemory(text io.Reader, _ string) (Program, error) {
	fd, err := unix.MemfdCreate("spool-gate", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_EXEC)
	if err == unix.EINVAL { // before Linux 6.3
		fd, err = unix.MemfdCreate("spool-gate", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return Program{}, os.NewSyscallError("memfd_create", err)
	}
	low := os.NewFile(uintptr(fd), "gate program")
	defer low.Close()
	if _, err := io.Copy(low, text); err != nil {
		return Program{}, err
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SEAL|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE); err != nil {
		return Program{}, os.NewSyscallError("seal", err)
	}
	high, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, highDescriptor)
	if err != nil {
		return Program{}, os.NewSyscallError("dup", err)
	}
	return Program{Path: "/proc/self/fd/" + strconv.Itoa(high), file: os.NewFile(uintptr(high), "gate program"), from: "memory"}, nil
}
