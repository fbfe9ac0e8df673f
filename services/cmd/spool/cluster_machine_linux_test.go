package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// Ports of every machine, each of which has an address of its own.
const (
	portNATS   = 28422
	portRoutes = 28622
	portAPI    = 28080 // of the gateway, or of serve
	portRole   = 28081 // and those above: of the other roles
)

// trio is three machines of a cluster.
type trio struct {
	*harness
	net      *network
	machines []*member
	nc       *nats.Conn // may do everything
	js       jetstream.JetStream
	store    int    // MiB for all streams together
	secret   string // file with the runner's secret
	creds    []byte // that may do everything; nil: the servers ask for none
	old      string // another program than spool as it is; "" = none
}

// member is one of them, with what runs on it.
type member struct {
	*trio
	number int
	name   string // m1, m2, m3
	addr   string // its address
	data   string // the folder of all that its processes keep
	disk   *eventstest.SmallDisk
	procs  []*process // in the order in which they start
	said   string     // by processes that ended
}

// newTrio makes three machines on which nothing runs yet. Each has a disk of its own, if
// it is to be full one day.
func newTrio(t testing.TB, disks bool) *trio { return newMachines(t, 3, disks) }

func newMachines(t testing.TB, n int, disks bool) *trio {
	w := &trio{harness: newHarness(t), net: newNetwork(t, n), store: 500}
	dir := t.TempDir()
	w.secret = filepath.Join(dir, "runner.secret")
	if err := os.WriteFile(w.secret, []byte("a secret that dispatchers and runners share"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		m := &member{trio: w, number: i, name: fmt.Sprint("m", i+1), addr: w.net.address(i), data: filepath.Join(dir, fmt.Sprint("m", i+1))}
		if disks && os.Getuid() == 0 {
			m.disk = eventstest.NewSmallDisk(t, 1<<30, chaosMinutes() < 5)
			m.data = filepath.Join(m.disk.Dir, "data")
		}
		if err := os.MkdirAll(m.data, 0o755); err != nil {
			t.Fatal(err)
		}
		w.machines = append(w.machines, m)
	}
	w.api = w.machines[0].at(portAPI)
	t.Cleanup(func() {
		if t.Failed() {
			w.explain()
		}
	})
	return w
}

// chaosMinutes is how long faults are made, as make chaos-cluster says; 0: it does not run this.
func chaosMinutes() float64 {
	minutes, _ := strconv.ParseFloat(os.Getenv("CHAOS_MINUTES"), 64)
	return minutes
}

func (m *member) at(port int) string { return m.addr + ":" + strconv.Itoa(port) }

// with adds a process to a machine, and starts it.
func (m *member) with(pr *process) *process {
	m.Helper()
	pr.p, pr.log = m.harness, &lockedBuffer{}
	pr.attr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	pr.within = func(start func() error) { m.net.within(m.number, start) }
	m.procs = append(m.procs, pr)
	pr.launch()
	m.Cleanup(pr.kill)
	return pr
}

// role adds a role.
func (m *member) role(name string, more ...string) *process {
	m.Helper()
	port := portAPI
	if name != "gateway" {
		port = portRole + len(m.procs)
	}
	return m.with(&process{binary: m.old, args: append([]string{
		name, "--data", filepath.Join(m.data, name), "--nats-url", m.urls(m.number), "--listen", m.at(port), "--insecure",
	}, more...)})
}

// server adds a nats-server, which knows nothing of Spool.
func (m *member) server() *process {
	m.Helper()
	var routes []string
	for _, other := range m.machines {
		routes = append(routes, strconv.Quote("nats-route://"+other.at(portRoutes)))
	}
	file := filepath.Join(m.data, "nats.conf")
	conf := fmt.Sprintf("server_name: %s\nlisten: %q\njetstream { store_dir: %q, sync_interval: always, max_file: %dM, max_mem: 64M }\n",
		m.name, m.at(portNATS), filepath.Join(m.data, "nats"), m.store*5/4)
	if len(m.machines) > 1 {
		conf += fmt.Sprintf("cluster { name: chaos, listen: %q, no_advertise: true, routes: [%s] }\n", m.at(portRoutes), strings.Join(routes, ", "))
	}
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		m.Fatal(err)
	}
	return m.with(&process{binary: natsServer(m), args: []string{"-c", file}, ready: "Server is ready"})
}

// urls are where the servers of all machines listen, those of one machine first.
func (w *trio) urls(first int) string {
	var all []string
	for i := range w.machines {
		all = append(all, "nats://"+w.machines[(first+i)%len(w.machines)].at(portNATS))
	}
	return strings.Join(all, ",")
}

// connect connects the test to the servers of all machines, once they have a leader.
func (w *trio) connect() {
	w.Helper()
	var err error
	w.eventually("the servers are there", func() bool {
		w.nc, err = nats.Connect(w.urls(0), append(w.access(), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond), nats.Timeout(2*time.Second))...)
		return err == nil
	})
	w.Cleanup(w.nc.Close)
	if w.js, err = jetstream.New(w.nc); err != nil {
		w.Fatal(err)
	}
}

func (w *trio) access() []nats.Option {
	if w.creds == nil {
		return nil
	}
	return []nats.Option{nats.UserCredentialBytes(w.creds)}
}

// setup makes the streams, as an operator does.
func (w *trio) setup() {
	w.Helper()
	w.eventually("the streams are made", func() bool {
		out, err := exec.Command(binary, "setup", "--nats-url", w.urls(0),
			"--replicas", strconv.Itoa(len(w.machines)),
			"--max-store", fmt.Sprint(w.store, "MiB"), "--results-per-job", "50000").CombinedOutput()
		if err != nil {
			w.Logf("spool setup: %v: %s", err, tail(string(out), 300))
		}
		return err == nil
	})
}

// bus connects to all machines, with all rights.
func (w *trio) bus() *jet.Bus {
	w.Helper()
	bus, err := jet.Connect(w.Context(), jet.Options{URL: w.urls(0), CredsText: w.creds, Name: "test", Log: eventstest.Log(w)})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = bus.Close(w.Context()) })
	return bus
}

// leader gives the machine that leads a stream.
func (w *trio) leader(stream string) (found *member) {
	w.Helper()
	w.eventually(stream+" has a leader", func() bool {
		s, err := w.js.Stream(w.Context(), stream)
		if err != nil || s.CachedInfo().Cluster == nil {
			return false
		}
		for _, m := range w.machines {
			if m.name == s.CachedInfo().Cluster.Leader {
				found = m
			}
		}
		return found != nil
	})
	return found
}

// servers starts a nats-server on each machine, and all roles on the first two.
func (w *trio) servers(dispatcher ...string) {
	w.Helper()
	for _, m := range w.machines {
		m.server()
	}
	w.connect()
	w.setup()
	drive := []string{"--drive", testDrive + "=" + w.dir}
	for i, m := range w.machines[:2] {
		first := w.machines[0]
		if i > 0 { // what an operator copies from machine to machine
			m.copies(first, "gateway/admin.token")
			m.copies(first, "dispatcher/seal.key")
			m.copies(first, "dispatcher/webhook.secret")
		}
		m.role("gateway", append(drive, "--rate", "-1")...)
		m.role("cron")
		m.role("watcher", drive...)
		m.role("dispatcher", append([]string{"--insecure-endpoint"}, dispatcher...)...)
		m.role("runner", append(drive, "--runner-secret-file", w.secret, "--sandbox", "off", "--flows", "32")...)
		m.awaitReady(m.procs[1:]...)
	}
	w.data = filepath.Join(w.machines[0].data, "gateway")
}

// bundles makes a cluster and starts serve on each machine.
func (w *trio) bundles(more ...string) {
	w.Helper()
	dir := filepath.Join(w.TempDir(), "bundle")
	args := []string{"cluster", "init", "--name", "chaos", "--dir", dir}
	for _, m := range w.machines {
		args = append(args, m.name+"="+m.at(portRoutes))
	}
	if out, err := exec.Command(binary, args...).CombinedOutput(); err != nil {
		w.Fatalf("spool %v: %v\n%s", args, err, out)
	}
	for _, m := range w.machines {
		m.with(&process{args: append([]string{
			"serve", "--data", m.data, "--bundle", filepath.Join(dir, m.name), "--listen", m.at(portAPI), "--insecure",
			"--nats-listen", m.at(portNATS), "--nats-insecure", "--shared-drive", testDrive + "=" + w.dir,
			"--results-per-job", "50000", "--rate", "-1", "--sandbox", "off", "--flows", "32",
		}, more...)})
	}
	for _, m := range w.machines {
		m.awaitReady(m.procs...)
	}
	w.data = filepath.Join(dir, "m1")
	w.creds = everythingOf(w.harness, filepath.Join(w.data, "keys.json"))
	w.connect()
}

// copies takes a file over from another machine.
func (m *member) copies(from *member, name string) {
	m.Helper()
	text, err := os.ReadFile(filepath.Join(from.data, name))
	if os.IsNotExist(err) {
		return
	}
	to := filepath.Join(m.data, name)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o700)
	}
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		m.Fatal(err)
	}
}

// awaitReady waits until processes say that they are ready.
func (m *member) awaitReady(procs ...*process) {
	m.Helper()
	for _, pr := range procs {
		m.eventually(m.name+": ready: "+pr.args[0], func() bool {
			said := pr.log.String()
			if pr.ready != "" {
				return strings.Contains(said, pr.ready)
			}
			if strings.Contains("\n"+said, "\nspool: ") {
				m.Fatalf("%s: spool %s ended: %s", m.name, pr.args[0], tail(said, 1000))
			}
			return strings.Contains(said, "msg=ready")
		})
	}
}

// pick gives the processes of a machine that a fault is about: all, the server, or the roles.
func (m *member) pick(which string) []*process {
	switch {
	case which == "all" || len(m.procs) == 1:
		return m.procs
	case which == "server":
		return m.procs[:1]
	default:
		return m.procs[1:]
	}
}

// kill ends processes as a power cut does, with what they have started.
func (m *member) kill(procs []*process) {
	for _, pr := range procs {
		for _, child := range descendants(pr.cmd.Process.Pid) {
			_ = syscall.Kill(child, syscall.SIGKILL)
		}
		_ = pr.cmd.Process.Kill()
	}
	m.reap(procs)
}

// end asks processes to end, and waits until they have: those first that started last.
func (m *member) end(procs []*process) {
	for i := len(procs) - 1; i >= 0; i-- {
		_ = procs[i].cmd.Process.Signal(syscall.SIGTERM)
		if procs[i].ready == "" {
			_ = procs[i].cmd.Wait()
		}
	}
	m.reap(procs)
}

func (m *member) reap(procs []*process) {
	for _, pr := range procs {
		if pr.cmd.ProcessState == nil {
			_ = pr.cmd.Wait()
		}
		m.said += pr.log.String()
		pr.log = &lockedBuffer{}
	}
}

// startAgain starts processes that have ended. It does not wait for them.
func (m *member) startAgain(procs []*process) {
	for _, pr := range procs {
		pr.launch()
	}
}

func (m *member) signal(procs []*process, sig syscall.Signal) {
	for _, pr := range procs {
		_ = pr.cmd.Process.Signal(sig)
	}
}

// descendants are the processes below one.
func descendants(pid int) (all []int) {
	below := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		text, err := os.ReadFile(file)
		at := strings.LastIndexByte(string(text), ')')
		if err != nil || at < 0 {
			continue
		}
		var id, parent int
		var state string
		_, err1 := fmt.Sscan(string(text), &id)
		_, err2 := fmt.Sscan(string(text[at+1:]), &state, &parent)
		if err1 == nil && err2 == nil {
			below[parent] = append(below[parent], id)
		}
	}
	for next := []int{pid}; len(next) > 0; next = next[1:] {
		all = append(all, below[next[0]]...)
		next = append(next, below[next[0]]...)
	}
	return all
}
