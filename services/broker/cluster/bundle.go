package cluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/atomicfile"
)

// The files of a bundle.
const (
	Settings      = "cluster.json"   // Of, as JSON
	Keys          = "keys.json"      // of the NATS server, shared by all machines
	CA            = "ca.pem"         // the authority that signs the certificates of machines
	Certificate   = "machine.pem"    // of this machine
	PrivateKey    = "machine.key"    // of that certificate
	SealKey       = "seal.key"       // that the secrets of jobs are sealed with
	AdminToken    = "admin.token"    // the API token of the user admin
	WebhookSecret = "webhook.secret" // that webhooks are signed with
	RunnerSecret  = "runner.secret"  // shared by the dispatchers and the runners
)

// CAKey is the private key of the authority. It lies beside the bundles, in the folder that
// `spool cluster init` made, and in none of them.
const CAKey = "ca.key"

// files are those of a bundle that hold text of others.
var files = []string{Keys, CA, Certificate, PrivateKey, SealKey, AdminToken, WebhookSecret, RunnerSecret}

// Files names every file of a bundle.
func Files() []string { return append([]string{Settings}, files...) }

// Of says which cluster a bundle is of, and which machine.
type Of struct {
	Name     string    `json:"name"`              // that people gave it, such as prod
	ID       string    `json:"id"`                // a UUID; a machine of another id cannot join
	Machine  string    `json:"machine"`           // the name of this machine, which is its place
	Machines []Machine `json:"machines"`          // all of them, this one too
	Restore  bool      `json:"restore,omitempty"` // the first start makes no streams, and waits for `spool restore`
}

// Machine is one machine of a cluster.
type Machine struct {
	Name    string `json:"name"`
	Address string `json:"address"` // host:port at which the others reach its NATS server
}

// Bundle is what makes a machine one of a cluster.
type Bundle struct {
	Dir string // where it was read from
	Of

	texts map[string][]byte
}

// New makes a bundle out of the texts of its files, by name; those that are missing are empty.
func New(of Of, texts map[string][]byte) *Bundle { return &Bundle{Of: of, texts: texts} }

// Load reads a bundle and checks that it is whole.
func Load(dir string) (*Bundle, error) {
	b := &Bundle{Dir: dir, texts: map[string][]byte{}}
	text, err := os.ReadFile(b.Path(Settings))
	if err != nil {
		return nil, fmt.Errorf("%s is not the bundle of a machine, which `spool cluster init` makes: %w", dir, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&b.Of); err != nil {
		return nil, atomicfile.Damaged(b.Path(Settings), text, "it does not say which cluster it is of ("+err.Error()+")", remedy)
	}
	faults := []error{b.check()}
	for _, name := range files {
		text, err := os.ReadFile(b.Path(name))
		if err == nil && len(bytes.TrimSpace(text)) == 0 {
			err = atomicfile.Damaged(b.Path(name), text, "it is empty", remedy)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("the bundle is not whole: %w", err))
		}
		b.texts[name] = text
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return b, nil
}

const remedy = "copy the machine's folder again from where `spool cluster init` made it"

// Write writes a bundle into a folder, readable by its owner only. A file that says the same already
// stays as it is.
func (b *Bundle) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	texts := map[string][]byte{Settings: append(events.Encode(b.Of), '\n')}
	for _, name := range files {
		texts[name] = b.texts[name]
	}
	for name, text := range texts {
		file := filepath.Join(dir, name)
		if is, err := os.ReadFile(file); err == nil && bytes.Equal(is, text) {
			continue
		}
		if err := atomicfile.Write(file, text, 0o600); err != nil {
			return fmt.Errorf("bundle: %w", err)
		}
	}
	return nil
}

// Path is where a file of the bundle lies.
func (b *Bundle) Path(file string) string { return filepath.Join(b.Dir, file) }

// Text is what a file of the bundle holds.
func (b *Bundle) Text(file string) []byte { return b.texts[file] }

// Address is where the others reach this machine.
func (o Of) Address() string {
	for _, m := range o.Machines {
		if m.Name == o.Machine {
			return m.Address
		}
	}
	return ""
}

// Names are those of all machines.
func (o Of) Names() (names []string) {
	for _, m := range o.Machines {
		names = append(names, m.Name)
	}
	return names
}

// NATSName is the name of the cluster among NATS servers, which let in only those of the same one.
func (o Of) NATSName() string { return o.Name + "-" + o.ID[:8] }

// check reports every fault of what a bundle says.
func (o Of) check() error {
	faults := []error{CheckName(o.Name), CheckMachines(o.Machines)}
	if uuid.Validate(o.ID) != nil {
		faults = append(faults, events.Faultf(events.Invalid, "id", "%q is no UUID: %s", o.ID, remedy))
	}
	if !slices.Contains(o.Names(), o.Machine) {
		faults = append(faults, events.Faultf(events.Invalid, "machine", "%q is none of the machines %s: %s", o.Machine, strings.Join(o.Names(), ", "), remedy))
	}
	return errors.Join(faults...)
}
