package programs

import (
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// as gives what starts a process as a user of this machine, where the tests are
// root's, and gives that user the folder.
func as(t *testing.T, name, folder string) *syscall.SysProcAttr {
	t.Helper()
	attr := &syscall.SysProcAttr{}
	if os.Geteuid() != 0 {
		return attr
	}
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(folder, uid, gid); err != nil {
		t.Fatal(err)
	}
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr
}

// does runs a command to its end.
func does(t *testing.T, attr *syscall.SysProcAttr, folder string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir, cmd.SysProcAttr = folder, attr
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", args[0], err, out)
	}
}

// serves starts a server, waits until it answers at an address, and stops it at the
// end of the test.
func serves(t *testing.T, attr *syscall.SysProcAttr, folder, network, addr string, stop syscall.Signal, args ...string) {
	t.Helper()
	said, err := os.Create(filepath.Join(t.TempDir(), "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.SysProcAttr, cmd.Stdout, cmd.Stderr = folder, attr, said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is stopped by a signal
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(stop)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial(network, addr)
		if err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-ended:
			deadline = time.Time{}
		default:
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(said.Name())
			t.Fatalf("%s does not answer: %v\n%s", args[0], err, text)
		}
	}
}

// freePort is one that nobody uses, below those that the kernel gives to who asks for any.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(10000 + rand.N(20000))
		if ln, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			_ = ln.Close()
			return port
		}
	}
	t.Fatal("every port that was tried is in use")
	return ""
}

// postgres starts a PostgreSQL and gives the folder of its socket.
func postgres(t *testing.T) served {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	bin := slices.Max(found)
	folder := hostFolder(t, "pg")
	attr := as(t, "postgres", folder)
	does(t, attr, folder, bin+"/initdb", "-D", folder+"/data", "-U", "spool", "-A", "trust", "--no-sync", "--locale", "C.UTF-8")
	serves(t, attr, folder, "unix", folder+"/.s.PGSQL.5432", syscall.SIGINT, bin+"/postgres", "-D", folder+"/data", "-k", folder, "-c", "listen_addresses=", "-F")
	return served{value: folder}
}

// mariadb starts a MariaDB and gives the folder of its socket, sock.
func mariadb(t *testing.T) served {
	t.Helper()
	folder := hostFolder(t, "my")
	attr := as(t, "mysql", folder)
	does(t, attr, folder, "mariadb-install-db", "--no-defaults", "--datadir="+folder+"/data", "--auth-root-authentication-method=normal", "--skip-test-db")
	server, err := exec.LookPath("mariadbd")
	if err != nil {
		t.Fatal(err)
	}
	serves(t, attr, folder, "unix", folder+"/sock", syscall.SIGTERM, server, "--no-defaults", "--datadir="+folder+"/data", "--socket="+folder+"/sock", "--pid-file="+folder+"/pid", "--skip-networking")
	return served{value: folder}
}

// redis starts a Redis and gives its port.
func redis(t *testing.T) served {
	t.Helper()
	port := freePort(t)
	folder := hostFolder(t, "redis")
	serves(t, as(t, "nobody", folder), folder, "tcp", "127.0.0.1:"+port, syscall.SIGTERM, "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder)
	return served{value: port}
}

// sshd starts an SSH server and gives a folder with a key for it, the name of its
// host, and a config that names both.
func sshd(t *testing.T) served {
	t.Helper()
	port := freePort(t)
	folder := hostFolder(t, "ssh")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // where it shuts itself in
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	server, err := exec.LookPath("sshd")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"host", "key"} {
		does(t, nil, folder, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(folder, key))
	}
	public := func(key string) string {
		text, err := os.ReadFile(filepath.Join(folder, key+".pub"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	names := strings.NewReplacer("DIR", folder, "PORT", port, "USER", me.Username)
	for name, text := range map[string]string{
		"authorized": public("key"), "known": "[127.0.0.1]:" + port + " " + public("host"),
		"sshd_config": names.Replace("Port PORT\nListenAddress 127.0.0.1\nHostKey DIR/host\nAuthorizedKeysFile DIR/authorized\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\nPidFile none\n"),
		"config":      names.Replace("Host there\nHostName 127.0.0.1\nPort PORT\nUser USER\nIdentityFile DIR/key\nIdentitiesOnly yes\nUserKnownHostsFile DIR/known\nGlobalKnownHostsFile none\n"),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	serves(t, nil, folder, "tcp", "127.0.0.1:"+port, syscall.SIGTERM, server, "-D", "-e", "-f", folder+"/sshd_config")
	return served{value: folder}
}
