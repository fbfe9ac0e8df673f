package notify

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"mime"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// smtpServer is an SMTP server.
type smtpServer struct {
	addr  string
	roots *x509.CertPool // that its certificate is from

	implicit bool // TLS from the first byte on

	mu   sync.Mutex
	rcpt func(to string, nth int) error // what it says to an address the nth time
	seen map[string]int
	got  []piece
}

// piece is a message as it was received.
type piece struct {
	tls      bool
	user     string
	from, to string
	text     string
}

func (p piece) read(t *testing.T) (*mail.Message, string) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(p.text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, p.text)
	}
	body, err := io.ReadAll(m.Body)
	if err != nil {
		t.Fatal(err)
	}
	return m, string(body)
}

func newSMTPServer(t *testing.T, edit func(*smtp.Server, *smtpServer)) *smtpServer {
	p := &smtpServer{seen: map[string]int{}, rcpt: func(string, int) error { return nil }}
	cert := certificate(t)
	p.roots = x509.NewCertPool()
	p.roots.AddCert(cert.Leaf)
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{p: p, c: c}, nil }))
	s.Domain, s.TLSConfig = "post.test", &tls.Config{Certificates: []tls.Certificate{cert}}
	if edit != nil {
		edit(s, p)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.addr = l.Addr().String()
	if p.implicit {
		l = tls.NewListener(l, s.TLSConfig)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		<-ended
	})
	return p
}

func certificate(t *testing.T) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func (p *smtpServer) received() []piece {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]piece(nil), p.got...)
}

// session is one connection to the server.
type session struct {
	p    *smtpServer
	c    *smtp.Conn
	user string
	now  piece
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "spool@post.test" || password != "p4ss:word" {
			return smtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	_, encrypted := s.c.TLSConnectionState()
	s.now = piece{from: from, user: s.user, tls: encrypted}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.now.to != "" {
		return errors.New("a message of its own for each address, please")
	}
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.p.seen[to]++
	s.now.to = to
	return s.p.rcpt(to, s.p.seen[to])
}

func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	s.now.text = string(text)
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.p.got = append(s.p.got, s.now)
	return err
}

func (s *session) Reset()        { s.now = piece{} }
func (s *session) Logout() error { return nil }

func greylisted() error {
	return &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "Greylisted, come back in a while"}
}

func unknown() error {
	return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user here"}
}

// decode reads a header that may hold more than ASCII.
func decode(t *testing.T, s string) string {
	t.Helper()
	text, err := new(mime.WordDecoder).DecodeHeader(s)
	if err != nil {
		t.Error(err)
	}
	return text
}
