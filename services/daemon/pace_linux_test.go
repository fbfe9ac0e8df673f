package daemon

import (
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"spool.internal/events/admission"
)

// A slow line that keeps the minimum rate gets all of an answer, although the
// kernel takes more of it from the server only now and then.
func TestSlowLine(t *testing.T) {
	t.Parallel()
	const size, part = 768 << 10, 3000
	grace := 600 * time.Millisecond
	_, addr := listen(t, Listener{minRate: admission.MinRate{Grace: grace, Rate: 10_000}}, func(w http.ResponseWriter, r *http.Request) {
		if err := admission.Of(r.Context()).(*conn).Conn.(*net.TCPConn).SetWriteBuffer(208 << 10); err != nil {
			t.Error(err)
		}
		control := http.NewResponseController(w)
		for range size / (32 << 10) { // as the files API does: a deadline for each part
			_ = control.SetWriteDeadline(time.Now().Add(grace))
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				t.Error(err)
				return
			}
		}
	})
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error { // with the segments and the window of such a line
		return c.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, 1448)
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 16<<10)
		})
	}}
	c, err := d.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	got := int64(0)
	for {
		n, err := io.CopyN(io.Discard, c, part)
		if got += n; err != nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if got < size {
		t.Errorf("%d bytes of %d arrive", got, size)
	}
}
