package daemon

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// portPatience is how long a port that is taken is waited for. A child between
// fork and exec has a copy of the socket for a moment longer than a killed parent.
const portPatience = 2 * time.Second

// Listen listens on a TCP address. A port that is taken is tried again for 2 s.
func Listen(addr string) (net.Listener, error) {
	for deadline := time.Now().Add(portPatience); ; time.Sleep(20 * time.Millisecond) {
		l, err := net.Listen("tcp", addr)
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) || time.Now().After(deadline) {
			return l, plainly(addr, err)
		}
	}
}

// plainly says what to do about an address that cannot be listened on.
func plainly(addr string, err error) error {
	_, port, bad := net.SplitHostPort(addr)
	name, dns := errors.AsType[*net.DNSError](err)
	_, noPort := net.LookupPort("tcp", port)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is in use by another process: stop that, or choose another port: %w", addr, syscall.EADDRINUSE)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s is no address of this machine: write 127.0.0.1:%s for this machine alone, or 0.0.0.0:%[2]s for all of its addresses", addr, port)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s may not be listened on: ports below 1024 need root or CAP_NET_BIND_SERVICE; choose one above: %w", addr, syscall.EACCES)
	case bad != nil:
		return fmt.Errorf("%q is not host:port: write it like 127.0.0.1:8080, or [::1]:8080", addr)
	case noPort != nil:
		return fmt.Errorf("%q: %q is not a port: write a number from 0 (any that is free) to 65535", addr, port)
	case dns:
		return fmt.Errorf("%q: there is no host %q: write 127.0.0.1:%s for this machine alone", addr, name.Name, port)
	}
	return fmt.Errorf("%q cannot be listened on: %w", addr, err)
}

// Check says all that is wrong with a listener, before anything is started.
func (l Listener) Check() error {
	var errs []error
	ln, err := Listen(l.Addr)
	if err != nil {
		errs = append(errs, fmt.Errorf("listen: %w", err))
	} else {
		errs = append(errs, l.exposed(ln), ln.Close())
	}
	if _, err := l.size(); err != nil {
		errs = append(errs, err)
	}
	if _, err := prefixes(l.TrustedProxies); err != nil {
		errs = append(errs, err)
	}
	if l.TLSCert != "" || l.TLSKey != "" {
		_, err := Certificate("tls-cert", l.TLSCert, "tls-key", l.TLSKey)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// exposed refuses to let tokens travel in clear between machines.
func (l Listener) exposed(ln net.Listener) error {
	tcp, ok := ln.Addr().(*net.TCPAddr)
	if !ok || tcp.IP.IsLoopback() || l.Insecure || l.TLSCert != "" || l.TLSKey != "" {
		return nil
	}
	return fmt.Errorf("listen: %s can be reached from other machines and tokens would travel in clear: "+
		"give --tls-cert and --tls-key, or --insecure behind a proxy that does TLS", l.Addr)
}

// Certificate reads a certificate and its key, which two flags name.
func Certificate(certFlag, certFile, keyFlag, keyFile string) (tls.Certificate, error) {
	switch {
	case certFile == "":
		return tls.Certificate{}, fmt.Errorf("%s: is missing beside --%s", certFlag, keyFlag)
	case keyFile == "":
		return tls.Certificate{}, fmt.Errorf("%s: is missing beside --%s", keyFlag, certFlag)
	}
	certText, err1 := os.ReadFile(certFile)
	keyText, err2 := os.ReadFile(keyFile)
	if err1 != nil {
		err1 = fmt.Errorf("%s: %w", certFlag, err1)
	}
	if err2 != nil {
		err2 = fmt.Errorf("%s: %w", keyFlag, err2)
	}
	if err := errors.Join(err1, err2); err != nil {
		return tls.Certificate{}, err
	}
	cert, err := tls.X509KeyPair(certText, keyText)
	if err != nil {
		return cert, fmt.Errorf("%s: %s and --%s %s are not a certificate and its key, as PEM: %w", certFlag, certFile, keyFlag, keyFile, err)
	}
	return cert, nil
}

// prefixes reads addresses and networks.
func prefixes(texts []string) (list []netip.Prefix, err error) {
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if a, bare := netip.ParseAddr(text); err != nil && bare == nil {
			p, err = a.Prefix(a.BitLen())
		}
		if err != nil {
			return list, fmt.Errorf("trusted-proxies: %q is not an address or a network such as 10.0.0.0/8", text)
		}
		list = append(list, p.Masked())
	}
	return list, nil
}
