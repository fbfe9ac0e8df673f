//go:build linux || darwin

package cell

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Language is what [Try] exits with: the number of the messages' form. Whoever changes
// that gives it another, so that no program is used that was built before.
const Language = 15

// maxMessage is how long a message may be, in bytes: two variables of 120 KiB fit.
const maxMessage = 1 << 20

// maxRights is how many descriptors may come with a message.
const maxRights = 200

var errWire = errors.New("the other end is gone, or speaks another language")

// message is what [Send] sends and [Receive] reads.
type message interface{ code(*coder) }

// Send writes a message to a socket, and descriptors with it.
func Send(to *os.File, m message, rights ...*os.File) error {
	c := &coder{}
	m.code(c)
	n := len(c.buf)
	text := append([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}, c.buf...)
	if len(rights) > 0 {
		fds := make([]int, len(rights))
		for i, f := range rights {
			fds[i] = int(f.Fd())
		}
		conn, err := to.SyscallConn()
		if err != nil {
			return err
		}
		var fault error
		sent := 0
		err = conn.Write(func(fd uintptr) bool {
			sent, fault = unix.SendmsgN(int(fd), text, unix.UnixRights(fds...), nil, 0)
			return fault != unix.EAGAIN
		})
		if err := errors.Join(err, fault); err != nil {
			return err
		}
		if text = text[sent:]; len(text) == 0 {
			return nil // whoever has it all may be gone
		}
	}
	_, err := to.Write(text)
	return err
}

// Receive reads a message from a socket. Descriptors that come with it are closed
// at exec.
func Receive(from *os.File, m message) (rights []*os.File, err error) {
	head := make([]byte, 4)
	if rights, err = receiveFirst(from, head[:1]); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(from, head[1:]); err != nil {
		return rights, errWire
	}
	n := int(head[0]) | int(head[1])<<8 | int(head[2])<<16 | int(head[3])<<24
	if n > maxMessage {
		return rights, errWire
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(from, body); err != nil {
		return rights, errWire
	}
	c := &coder{buf: body, taking: true}
	m.code(c)
	if c.bad || len(c.buf) > 0 {
		return rights, errWire
	}
	return rights, nil
}

func receiveFirst(from *os.File, into []byte) (rights []*os.File, err error) {
	conn, err := from.SyscallConn()
	if err != nil {
		return nil, err
	}
	oob := make([]byte, unix.CmsgSpace(4*maxRights))
	var n, oobn int
	var got error
	err = conn.Read(func(fd uintptr) bool {
		n, oobn, _, _, got = unix.Recvmsg(int(fd), into, oob, recvFlags)
		return got != unix.EAGAIN
	})
	if err := errors.Join(err, got); err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, io.EOF
	}
	blocks, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return nil, err
	}
	for _, b := range blocks {
		fds, err := unix.ParseUnixRights(&b)
		if err != nil {
			return nil, err
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			rights = append(rights, os.NewFile(uintptr(fd), "given"))
		}
	}
	return rights, nil
}
