package daemon

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

// Bodies that do not arrive are given up, however little comes in between; slow
// ones that keep the minimum rate are not.
func TestSlowBodies(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 10)
	_, addr := listen(t, Listener{minRate: fast}, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		ended <- err
		if err != nil {
			w.WriteHeader(http.StatusRequestTimeout)
		}
	})
	for _, c := range []struct {
		name  string
		part  int
		every time.Duration
		cut   bool
	}{
		{"nothing", 0, time.Second, true},
		{"a byte now and then", 1, 20 * time.Millisecond, true},
		{"the minimum rate and more", 600, 20 * time.Millisecond, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := dialFrom(t, "127.0.0.1", addr)
			length := 50 * c.part
			if c.cut {
				length += 1000 // that never come
			}
			fmt.Fprintf(conn, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", length)
			go func() { // ends with its parts, or with the connection
				for range 50 {
					time.Sleep(c.every)
					if _, err := conn.Write(make([]byte, c.part)); err != nil {
						return
					}
				}
			}()
			select {
			case err := <-ended:
				if (err != nil) != c.cut || c.cut && !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("the body ends with %v", err)
				}
			case <-time.After(30 * time.Second):
				t.Fatal("the body is waited for, for ever")
			}
			if c.cut {
				closed(t, c.name, conn, 30*time.Second)
			} else if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || resp.StatusCode != http.StatusOK {
				t.Errorf("answer %v, %v", resp, err)
			}
		})
	}
}

// A body that the handler does not look at is not waited for, either.
func TestUnreadBody(t *testing.T) {
	t.Parallel()
	_, addr := listen(t, Listener{minRate: fast}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	conn := dialFrom(t, "127.0.0.1", addr)
	fmt.Fprint(conn, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nbegun")
	closed(t, "unread", conn, 20*time.Second)
}

// An answer that nobody takes is given up, over TLS too.
func TestSlowReaders(t *testing.T) {
	t.Parallel()
	const size = 24 << 20 // more than all buffers between
	ended := make(chan error, 10)
	handler := func(w http.ResponseWriter, _ *http.Request) {
		_, err := w.Write(make([]byte, size))
		ended <- err
	}
	_, addr := listen(t, Listener{minRate: fast}, handler)
	certFile, keyFile, roots := certificate(t)
	_, secure := listen(t, Listener{minRate: fast, TLSCert: certFile, TLSKey: keyFile}, handler)

	silent := func(c net.Conn) {
		t.Helper()
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		select {
		case err := <-ended:
			if err == nil {
				t.Error("an answer that nobody read went out whole")
			}
		case <-time.After(30 * time.Second):
			t.Error("an answer that nobody reads is written for ever")
		}
	}
	silent(dialFrom(t, "127.0.0.1", addr))
	over, err := (&tls.Dialer{Config: &tls.Config{RootCAs: roots}}).DialContext(t.Context(), "tcp", secure)
	if err != nil {
		t.Fatal(err)
	}
	defer over.Close()
	silent(over)
}

// Whoever has begun nothing within the handshake's time is gone.
func TestSilentHandshakes(t *testing.T) {
	certFile, keyFile, roots := certificate(t)
	_, addr := listen(t, Listener{MaxConnections: 64, TLSCert: certFile, TLSKey: keyFile}, func(_ http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 1 {
			t.Errorf("%s: one connection is then many requests", r.Proto)
		}
	})
	for range 200 {
		dialFrom(t, "127.0.0.1", addr)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	resp, err := client.Get("https://" + addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("answer %s", resp.Status)
	}
}
