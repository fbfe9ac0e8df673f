//go:build linux || darwin

package cell

import (
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

func sockets(t testing.TB) (a, b *os.File) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	a, b = os.NewFile(uintptr(fds[0]), "a"), os.NewFile(uintptr(fds[1]), "b")
	t.Cleanup(func() { _, _ = a.Close(), b.Close() })
	return a, b
}

func TestMessagesArriveAsTheyWereSent(t *testing.T) {
	place := Place{Path: "/a b", Real: "/real", Access: Write, Mapped: true}
	for _, c := range []struct{ sent, got message }{
		{&Room{Form: Form{Spaces: true, Proc: true, Landlock: 7, As: true, UID: 5, GID: -1}, Shut: true, Run: []string{"/usr", ""}, Filter: []byte{0, 255}, Limits: Limits{Files: 1 << 40}}, &Room{}},
		{&Command{Argv: []string{"x", strings.Repeat("y", 300_000)}, Env: []string{"A=\x00ü"}, Dir: 1, Places: []Place{place, {}}}, &Command{}},
		{&Met{View: true, Lacks: "much"}, &Met{}},
		{&News{PID: 5, Ended: true, Status: 0x8b, Fault: "none"}, &News{}},
		{&Wish{Kill: true}, &Wish{}},
		{&Wish{Reach: &Reach{Unix: true, Peers: []Peer{{Addr: [16]byte{10: 255, 11: 255, 12: 127, 15: 1}, Port: 65535}, {}}}}, &Wish{}},
		{&News{Denied: []Peer{{Port: 5432}}}, &News{}},
		{&Open{}, &Open{}},
	} {
		a, b := sockets(t)
		file, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		failed := make(chan error, 1)
		go func() { failed <- Send(a, c.sent, file, file) }()
		rights, err := Receive(b, c.got)
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
		if err != nil || len(rights) != 2 {
			t.Fatalf("%T: %d descriptors, %v", c.sent, len(rights), err)
		}
		for _, f := range rights {
			if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
				t.Errorf("%T: a descriptor of %v, %v", c.sent, info, err)
			}
			_ = f.Close()
		}
		if fill(c.got); !reflect.DeepEqual(fill(c.sent), c.got) {
			t.Errorf("sent %+v, got %+v", c.sent, c.got)
		}
	}
}

// Whoever has read a message to its end may go: nothing of it is written after that.
func TestAMessageIsSentWhole(t *testing.T) {
	for range 1000 {
		a, b := sockets(t)
		gone := make(chan error, 1)
		go func() {
			rights, err := Receive(b, &Open{})
			for _, f := range rights {
				_ = f.Close()
			}
			_ = b.Close()
			gone <- err
		}()
		if err := Send(a, &Open{}, a); err != nil {
			t.Fatal(err)
		}
		if err := <-gone; err != nil {
			t.Fatal(err)
		}
	}
}

// fill makes lists that are empty and lists that are none the same.
func fill(m message) message {
	c := &coder{}
	m.code(c)
	again := reflect.New(reflect.TypeOf(m).Elem()).Interface().(message)
	again.code(&coder{buf: c.buf, taking: true})
	reflect.ValueOf(m).Elem().Set(reflect.ValueOf(again).Elem())
	return m
}

// The end of a socket is no message, and neither is half of one.
func TestHalfAMessage(t *testing.T) {
	for _, sent := range []string{"", "\x08", "\xff\xff\xff\xff", "\x08\x00\x00\x00\x01", "\x18\x00\x00\x00" + strings.Repeat("\x01", 24)} {
		a, b := sockets(t)
		if _, err := a.WriteString(sent); err != nil {
			t.Fatal(err)
		}
		_ = a.Close()
		if _, err := Receive(b, &Wish{}); err == nil {
			t.Errorf("%q is a message", sent)
		}
	}
}

// What comes from elsewhere makes no process fall over, and is no longer than it says.
func FuzzMessages(f *testing.F) {
	c := &coder{}
	(&Command{Argv: []string{"x"}, Env: []string{"A=b"}, Places: []Place{{Path: "/a"}}}).code(c)
	f.Add(c.buf)
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 127})
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, m := range []message{&Room{}, &Command{}, &Met{}, &News{}, &Wish{}} {
			c := &coder{buf: text, taking: true}
			m.code(c)
			if c.bad || len(c.buf) > 0 {
				continue
			}
			again := &coder{}
			m.code(again)
			if len(again.buf) != len(text) {
				t.Errorf("%T: %d bytes of %d", m, len(again.buf), len(text))
			}
		}
	})
}
