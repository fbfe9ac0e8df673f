package files

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"syscall"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/gateway/wire"
)

// refuse makes a fault with a status that no code of the domain gives.
func refuse(status int, field, format string, args ...any) error {
	return wire.Refuse(status, "", field, format, args...)
}

// errUpload is in the chain of a body that did not arrive.
var errUpload = errors.New("the body broke off")

// ErrExists is in the chain of the fault of an upload that may replace nothing.
var ErrExists = refuse(http.StatusPreconditionFailed, "path", "exists already, and If-None-Match: * is asked for")

var (
	errOutside   = events.Faultf(events.Forbidden, "path", "leads out of its drive by a symbolic link: links may lead to files of the same drive alone")
	errNotFound  = events.Faultf(events.NotFound, "path", "no such file or folder")
	errFileAbove = events.Faultf(events.Invalid, "path", "leads through a file: only folders hold files")
	errIsFolder  = refuse(http.StatusConflict, "path", "is a folder: a file cannot take its place")
	errNotEmpty  = refuse(http.StatusConflict, "path", "is a folder that is not empty: add ?recursive=true to delete what is in it")
	errFull      = refuse(http.StatusInsufficientStorage, "", "the disk of this drive is full: delete something, or ask who runs the server")
)

// errnos says what the file system's answers mean to a client.
var errnos = []struct {
	cause error
	fault error
}{
	{drive.ErrOutside, errOutside},
	{drive.ErrReserved, errNotFound},
	{drive.ErrChanging, events.Faultf(events.Unavailable, "path", "is changed while it is opened: try again")},
	{syscall.ENOTEMPTY, errNotEmpty}, // before fs.ErrExist, which it counts as
	{fs.ErrNotExist, errNotFound},
	{fs.ErrExist, ErrExists},
	{syscall.EROFS, events.Faultf(events.Forbidden, "path", "lies on a file system that is read-only: choose another drive")},
	{fs.ErrPermission, events.Faultf(events.Forbidden, "path", "the server has no permission for it on its disk: choose another folder, or ask who runs the server")},
	{syscall.ENOSPC, errFull},
	{syscall.EDQUOT, errFull},
	{syscall.EFBIG, refuse(http.StatusRequestEntityTooLarge, "", "the file is larger than the file system of this drive takes")},
	{syscall.ENOTDIR, errFileAbove},
	{syscall.EISDIR, errIsFolder},
	{syscall.ENAMETOOLONG, events.Faultf(events.Invalid, "path", "has a name that is longer than the file system takes, mostly 255 bytes: shorten it")},
	{syscall.ELOOP, events.Faultf(events.Invalid, "path", "leads through too many symbolic links: give the path of the file itself")},
	{syscall.EINVAL, events.Faultf(events.Invalid, "path", "has a name that the file system does not take: choose another")},
}

// explain turns any error into one that may be shown, where that can be.
func explain(err error) error {
	if wire.IsRefusal(err) || events.CodeOf(err) != "" {
		return err
	}
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return refuse(http.StatusRequestEntityTooLarge, "", "the file is larger than %d bytes, the most that this server takes", large.Limit)
	}
	if errors.Is(err, errUpload) {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return refuse(http.StatusRequestTimeout, "", "nothing arrived for too long: send the file again")
		}
		return events.Faultf(events.Invalid, "", "the file did not arrive whole: send it again")
	}
	for _, e := range errnos {
		if errors.Is(err, e.cause) {
			return e.fault
		}
	}
	// What the kernel did not refuse, os.Root did.
	if _, kernel := errors.AsType[syscall.Errno](err); !kernel && ofPath(err) {
		return errOutside
	}
	return err
}

func ofPath(err error) bool {
	_, one := errors.AsType[*fs.PathError](err)
	_, two := errors.AsType[*os.LinkError](err)
	return one || two
}
