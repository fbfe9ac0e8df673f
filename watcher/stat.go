package watcher

import (
	"os"

	"spool.internal/events/fileid"
	"spool.internal/watcher/settle"
)

// fingerprintLength is that of a fingerprint's text.
const fingerprintLength = fileid.Length

// fingerprint tells a file from every other, see [fileid.Fingerprint].
func fingerprint(jobID, path, generation string, s settle.Stat) string {
	return fileid.Fingerprint(jobID, path, generation, s)
}

// statAt looks at a name in a folder, without following it.
func statAt(root *os.Root, folder *os.File, name string) (stat, error) {
	return seen(fileid.At(root, folder, name))
}

// statOpen looks at an open file.
func statOpen(f *os.File) (stat, error) { return seen(fileid.Open(f)) }

// statPath looks at what a path leads to.
func statPath(path string) (stat, error) { return seen(fileid.Path(path)) }

// statLink looks at what is at a path, be it a link.
func statLink(path string) (stat, error) { return seen(fileid.Link(path)) }

func seen(i fileid.Info, err error) (stat, error) {
	return stat{Stat: i.Stat, regular: i.Regular, folder: i.Folder, perm: i.Perm, device: i.Device}, err
}
