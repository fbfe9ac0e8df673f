package cluster

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

// How long certificates hold: the authority's, and those of machines, which
// `spool cluster add --renew` makes anew.
const (
	authorityHolds = 10 * 365 * 24 * time.Hour
	machineHolds   = 2 * 365 * 24 * time.Hour
)

// Authority signs the certificates of machines. Its key stays with who makes bundles.
type Authority struct {
	Certificate []byte // PEM
	Key         []byte // PEM
}

// NewAuthority makes the authority of a cluster.
func NewAuthority(cluster string, now time.Time) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	of := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "spool cluster " + cluster},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(authorityHolds),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	if err != nil {
		return nil, err
	}
	text, err := keyText(key)
	return &Authority{pemOf("CERTIFICATE", der), text}, err
}

// Sign makes a key for a machine and its certificate, for its name and its address.
func (a *Authority) Sign(m Machine, now time.Time) (certificate, private []byte, err error) {
	pair, err := tls.X509KeyPair(a.Certificate, a.Key)
	if err != nil {
		return nil, nil, fmt.Errorf("%s and %s do not belong together: %w", CA, CAKey, err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	of := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: m.Name}, DNSNames: []string{m.Name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(machineHolds),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	host, _, err := net.SplitHostPort(m.Address)
	if err != nil {
		return nil, nil, err
	}
	if ip := net.ParseIP(host); ip != nil {
		of.IPAddresses = []net.IP{ip}
	} else if host != m.Name {
		of.DNSNames = append(of.DNSNames, host)
	}
	der, err := x509.CreateCertificate(rand.Reader, of, pair.Leaf, key.Public(), pair.PrivateKey)
	if err != nil {
		return nil, nil, err
	}
	private, err = keyText(key)
	return pemOf("CERTIFICATE", der), private, err
}

// TLS is how a machine shows itself to the others and knows them: both by the authority of the
// bundle.
func (b *Bundle) TLS() (*tls.Config, error) {
	pair, err := tls.X509KeyPair(b.Text(Certificate), b.Text(PrivateKey))
	if err != nil {
		return nil, fmt.Errorf("%s and %s are not a certificate and its key (%w): %s", b.Path(Certificate), b.Path(PrivateKey), err, remedy)
	}
	authority := x509.NewCertPool()
	if !authority.AppendCertsFromPEM(b.Text(CA)) {
		return nil, fmt.Errorf("%s holds no certificate: %s", b.Path(CA), remedy)
	}
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: authority, CurrentTime: pair.Leaf.NotBefore.Add(time.Minute), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}); err != nil {
		return nil, fmt.Errorf("%s is not signed by %s (%w): %s", b.Path(Certificate), b.Path(CA), err, remedy)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{pair}, RootCAs: authority, ClientCAs: authority,
		ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13,
	}, nil
}

// Ends is when the certificate of this machine ends.
func (b *Bundle) Ends() (time.Time, error) {
	block, _ := pem.Decode(b.Text(Certificate))
	if block == nil {
		return time.Time{}, errors.New("no certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return time.Time{}, err
	}
	return cert.NotAfter, nil
}

func serial() *big.Int {
	n := make([]byte, 16)
	rand.Read(n) //nolint:errcheck // never fails
	return new(big.Int).SetBytes(n)
}

func keyText(key crypto.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return pemOf("PRIVATE KEY", der), err
}

func pemOf(kind string, der []byte) []byte {
	var text bytes.Buffer
	_ = pem.Encode(&text, &pem.Block{Type: kind, Bytes: der}) // a buffer takes all
	return text.Bytes()
}
