package cli

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"spool.internal/events/atomicfile"
)

// addressFile is where a running server says in its data folder how it is reached. The
// server holds a lock on it for as long as it lives: one without a lock is stale.
const addressFile = "api.address"

// place is what is in the file.
type place struct {
	URL string `json:"url"`
	PID int    `json:"pid"`
}

// Announce writes into a data folder how its server is reached; addr is where it listens,
// certificate its PEM file, or "". release takes the file away.
func Announce(folder, addr, certificate string) (release func() error, err error) {
	text, err := json.Marshal(place{URL: reachedBy(addr, certificate), PID: os.Getpid()})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, addressFile)
	if err := atomicfile.Write(file, append(text, '\n'), 0o600); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := hold(f); err != nil {
		return nil, errors.Join(fmt.Errorf("%s cannot be locked: %w", file, err), f.Close())
	}
	return func() error {
		err := os.Remove(file)
		if errors.Is(err, fs.ErrNotExist) { // gone with its folder
			err = nil
		}
		return errors.Join(err, f.Close())
	}, nil
}

// reachedBy returns the URL for somebody on this machine.
func reachedBy(addr, certificate string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "http://" + addr
	}
	ip := net.ParseIP(host)
	if ip != nil && ip.IsUnspecified() {
		if host = "127.0.0.1"; ip.To4() == nil {
			host = "::1"
		}
	}
	if certificate == "" {
		return "http://" + net.JoinHostPort(host, port)
	}
	return "https://" + net.JoinHostPort(nameIn(certificate, host), port)
}

// nameIn returns the host for which a certificate is valid: this one, or the first that it
// names.
func nameIn(file, host string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return host
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return host
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil || c.VerifyHostname(host) == nil {
		return host
	}
	for _, name := range c.DNSNames {
		if !strings.Contains(name, "*") {
			return name
		}
	}
	return host
}

// inFolder returns the server that runs on a data folder.
func inFolder(folder string) (server, error) {
	root, err := os.OpenRoot(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return server{}, noServer(folder)
	}
	if err != nil {
		return server{}, fmt.Errorf("data: %w", err)
	}
	defer root.Close()
	if err := ownFolder(root, folder); err != nil {
		return server{}, err
	}
	at, err := runsAt(root, folder)
	if err != nil {
		return server{}, err
	}
	text, err := readOwn(root, adminToken)
	if errors.Is(err, fs.ErrNotExist) {
		return server{}, fmt.Errorf("%s has no %s: give a token by --token-file, with --url %s", folder, adminToken, at)
	}
	if err != nil {
		return server{}, fmt.Errorf("%s: %w", filepath.Join(folder, adminToken), err)
	}
	token, err := tokenIn(filepath.Join(folder, adminToken), text)
	return server{url: at, token: token, from: folder}, err
}

// startPatience is how long a server may take from writing its address to locking it.
const startPatience = 300 * time.Millisecond

// runsAt reads the address in a folder, and whether whoever wrote it is alive: a port that
// a server has left can be somebody else's by now, who must not get the token.
func runsAt(root *os.Root, folder string) (string, error) {
	deadline := time.Now().Add(startPatience)
	for {
		f, err := root.Open(addressFile)
		if errors.Is(err, fs.ErrNotExist) {
			return "", notRunning(root, folder)
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w", filepath.Join(folder, addressFile), err)
		}
		held, err := isHeld(f)
		var at place
		if err == nil {
			err = ownFile(f)
		}
		if err == nil {
			err = json.NewDecoder(io.LimitReader(f, 4<<10)).Decode(&at)
		}
		_ = f.Close()
		if err != nil {
			return "", fmt.Errorf("%s: %w", filepath.Join(folder, addressFile), err)
		}
		if held {
			url, err := readURL(at.URL)
			if err != nil {
				return "", fmt.Errorf("%s does not hold the address of a server: stop the server, and start it again", filepath.Join(folder, addressFile))
			}
			return url, nil
		}
		if time.Now().After(deadline) {
			return "", fmt.Errorf("the server of %s has ended without a goodbye (%s is of process %d): start it again, or give --url", folder, addressFile, at.PID)
		}
		time.Sleep(startPatience / 10)
	}
}

func notRunning(root *os.Root, folder string) error {
	if _, err := root.Stat(adminToken); err != nil {
		return noServer(folder)
	}
	return fmt.Errorf("the server of %s does not run: start it (spool serve --data %s), or give --url", folder, folder)
}

// readOwn reads a file of the caller's in a folder.
func readOwn(root *os.Root, name string) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := ownFile(f); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, 64<<10))
}
