package cell

// Environment is that of every process of this package; the flow gets one of its own. With
// one processor Go's runtime starts fewer threads, and does not look in the control groups
// how many there are.
var Environment = []string{"GOMAXPROCS=1"}

// Form says which parts of the sandbox a flow has. The runner finds out once what the kernel grants
// ([Met] of the first warm process), and asks every process for exactly that.
type Form struct {
	Spaces   bool // pid, ipc and mount namespaces of its own
	User     bool // and a user namespace, which is needed for those by whoever lacks CAP_SYS_ADMIN
	View     bool // a root of its own, in which only what has a rule is seen; of Spaces
	Proc     bool // a /proc with the processes of the flow alone; of View
	Shm      bool // a /dev/shm of its own; of View
	Landlock int  // the version of Landlock that is used; 0 = none
	Drop     bool // the flow has no capabilities, though the runner is root
	As       bool // the flow is another user than the runner: UID and GID
	Asks     bool // the guard connects for the flow, to what the runner has listed alone
	Audited  bool // what Landlock denies the flow is told in the kernel's audit
	Hears    bool // the guard has sockets of AF_UNIX wait for connections, whose paths are the flow's; it may have no others do so
	UID, GID int
}

func (f *Form) code(c *coder) {
	for _, b := range []*bool{&f.Spaces, &f.User, &f.View, &f.Proc, &f.Shm, &f.Drop, &f.As, &f.Asks, &f.Audited, &f.Hears} {
		c.flag(b)
	}
	for _, n := range []*int{&f.Landlock, &f.UID, &f.GID} {
		c.num(n)
	}
}

// Room is what all flows have in common. With its message may come what the runner has made of it
// ([Shared.Root]).
type Room struct {
	Form    Form
	Shut    bool     // of the file system, the flow gets only what follows and its places
	Run     []string // to read and execute
	Read    []string // to read
	Devices []string // to read and write
	Offline bool     // no sockets
	Listen  bool     // it may take ports
	Filter  []byte   // the seccomp program, as the kernel takes it; empty = none
	Limits  Limits
}

func (r *Room) code(c *coder) {
	r.Form.code(c)
	c.flag(&r.Shut)
	for _, l := range []*[]string{&r.Run, &r.Read, &r.Devices} {
		c.texts(l)
	}
	c.flag(&r.Offline)
	c.flag(&r.Listen)
	filter := string(r.Filter)
	c.text(&filter)
	r.Filter = []byte(filter)
	for _, n := range []*int{&r.Limits.FileSize, &r.Limits.Processes, &r.Limits.Files, &r.Limits.Memory, &r.Limits.Processors} {
		c.num(n)
	}
}

// Limits bound what a flow uses up; 0 leaves what the runner has.
type Limits struct {
	FileSize   int // bytes of one file
	Processes  int // of the user, all of them; the kernel does not hold root to it
	Files      int // open at once in a process
	Memory     int // bytes of data of a process
	Processors int // those of the host that it may use
}

// Met is the answer of a warm process that is ready for its command: what of the form it has put
// up, or the fault that keeps it from putting up the rest.
type Met struct {
	View, Proc bool
	Lacks      string // why there is no view, where one was asked for
	Fault      string // why the process is of no use
}

func (m *Met) code(c *coder) {
	c.flag(&m.View)
	c.flag(&m.Proc)
	c.text(&m.Lacks)
	c.text(&m.Fault)
}

// Command is what a warm process becomes. Its message brings one descriptor for each of
// Places, and then one of a user namespace for each that is Mapped.
type Command struct {
	Argv, Env []string
	Dir       int // which of the places is the working folder
	Tmp       int // which of them is shown as /tmp, too, where there is a view; 0 = none
	Places    []Place
}

func (cmd *Command) code(c *coder) {
	c.texts(&cmd.Argv)
	c.texts(&cmd.Env)
	c.num(&cmd.Dir)
	c.num(&cmd.Tmp)
	list(c, &cmd.Places, func(p *Place) { p.code(c) })
}

// Access is what a flow may do below a place.
type Access int

// The order is that in which places are mounted at the same path.
const (
	Read    Access = iota
	Run            // read and execute
	Write          // read and write, but not execute
	Connect        // to a socket, or those in a folder
)

// Place is a file or folder of one run. The descriptor that was judged stands for
// it; the paths say where it is found.
type Place struct {
	Path   string // where the flow finds it
	Real   string // where it lies, without links
	Access Access
	Mapped bool // whoever owns it is the flow's user there

	Granted bool // it is no folder of the run's own
}

func (p *Place) code(c *coder) {
	c.text(&p.Path)
	c.text(&p.Real)
	access := int(p.Access)
	c.num(&access)
	p.Access = Access(access)
	c.flag(&p.Mapped)
	c.flag(&p.Granted)
}

// Open is the word that a flow may begin.
type Open struct{}

func (*Open) code(*coder) {}

// News is a message of a launcher or a guard to the runner.
type News struct {
	PID    int // of the guard, from its launcher
	Ended  bool
	Status int    // how the flow ended, as wait(2) says it
	Fault  string // there is no guard
	Denied []Peer // what the flow was not connected to
}

func (n *News) code(c *coder) {
	c.num(&n.PID)
	c.flag(&n.Ended)
	c.num(&n.Status)
	c.text(&n.Fault)
	list(c, &n.Denied, func(p *Peer) { p.code(c) })
}

// Wish is a request of the runner to a guard: to kill the flow, to use a new list of peers, or else
// to ask the flow to stop, by SIGTERM. The end of the socket means Kill.
type Wish struct {
	Kill  bool
	Reach *Reach
}

func (w *Wish) code(c *coder) {
	c.flag(&w.Kill)
	lists := w.Reach != nil
	if c.flag(&lists); !lists {
		w.Reach = nil
		return
	}
	if c.taking {
		w.Reach = &Reach{}
	}
	c.flag(&w.Reach.Unix)
	list(c, &w.Reach.Peers, func(p *Peer) { p.code(c) })
}

// Reach is all that a flow may connect to.
type Reach struct {
	Peers []Peer
	Unix  bool // sockets of AF_UNIX that it finds: Landlock keeps the flow itself from TCP
}

// Peer is an address and a port of TCP.
type Peer struct {
	Addr [16]byte // IPv4 as it is mapped into IPv6
	Port int      // 0 = any
}

func (p *Peer) code(c *coder) {
	addr := string(p.Addr[:])
	c.text(&addr)
	if len(addr) != len(p.Addr) {
		c.bad = true
	}
	copy(p.Addr[:], addr)
	c.num(&p.Port)
}
