//go:build unix && !linux

package drive

func moveAt(from int, oldname string, to int, newname string) error {
	return linkMove(from, oldname, to, newname)
}
