package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/atomicfile"
)

// Secrets are what all machines of a cluster share, by the name of the file in a bundle: [Keys],
// [SealKey], [AdminToken], [WebhookSecret] and [RunnerSecret].
type Secrets map[string][]byte

// Init makes the folder of a new cluster: a bundle for each machine, and the key of the authority. The
// folder must not be there. With restore the machines wait for `spool restore`.
func Init(dir, name string, machines []Machine, secrets Secrets, restore bool) error {
	if err := errors.Join(CheckName(name), CheckMachines(machines)); err != nil {
		return err
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already, and holds the keys of a cluster: give another folder to --dir", dir)
	}
	a, err := NewAuthority(name, time.Now())
	if err != nil {
		return fmt.Errorf("make the authority: %w", err)
	}
	o := office{dir, a, secrets, Of{Name: name, ID: uuid.NewString(), Machines: machines, Restore: restore}}
	for _, m := range machines {
		if err := o.issue(m); err != nil {
			return err
		}
	}
	return atomicfile.Write(filepath.Join(dir, CAKey), a.Key, 0o600)
}

// office issues the bundles of a cluster.
type office struct {
	dir     string
	a       *Authority
	secrets Secrets
	of      Of
}

// issue writes the bundle of one machine, with a new certificate.
func (o office) issue(m Machine) error {
	certificate, private, err := o.a.Sign(m, time.Now())
	if err != nil {
		return fmt.Errorf("certificate of %s: %w", m.Name, err)
	}
	o.of.Machine = m.Name
	texts := map[string][]byte{CA: o.a.Certificate, Certificate: certificate, PrivateKey: private}
	maps.Copy(texts, o.secrets)
	return New(o.of, texts).Write(filepath.Join(o.dir, m.Name))
}

// Folder is what Init made: the bundles of a cluster, side by side.
type Folder struct {
	Dir     string
	Bundles []*Bundle // in the order of the machines
}

// Open reads the folder of a cluster. The bundle of a machine may be missing from it.
func Open(dir string) (*Folder, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("the folder that spool cluster init made: %w", err)
	}
	f := &Folder{Dir: dir}
	for _, e := range entries {
		if _, err := os.Stat(filepath.Join(dir, e.Name(), Settings)); err != nil {
			continue
		}
		b, err := Load(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		f.Bundles = append(f.Bundles, b)
	}
	if len(f.Bundles) == 0 {
		return nil, fmt.Errorf("%s holds no bundle: give the folder that spool cluster init made", dir)
	}
	for _, b := range f.Bundles[1:] {
		if first := f.Bundles[0]; b.ID != first.ID {
			return nil, fmt.Errorf("%s and %s are bundles of two clusters, %s and %s", first.Dir, b.Dir, first.ID, b.ID)
		}
	}
	return f, nil
}

// Of says which cluster it is; Machine is empty.
func (f *Folder) Of() Of {
	of := f.Bundles[0].Of
	of.Machine = ""
	return of
}

// Change gives the cluster other machines: every bundle names them, one that is new gets its own, and
// one that has gone is taken away. With renew every machine gets a new certificate, too.
func (f *Folder) Change(machines []Machine, renew bool) error {
	if err := CheckMachines(machines); err != nil {
		return err
	}
	key, err := os.ReadFile(filepath.Join(f.Dir, CAKey))
	if err != nil {
		return fmt.Errorf("the key that signs certificates is needed, which spool cluster init left beside the bundles: %w", err)
	}
	first := f.Bundles[0]
	of := f.Of()
	of.Machines = machines
	o := office{f.Dir, &Authority{first.Text(CA), key}, Secrets{}, of}
	for _, name := range []string{Keys, SealKey, AdminToken, WebhookSecret, RunnerSecret} {
		o.secrets[name] = first.Text(name)
	}
	for _, m := range machines {
		at := slices.IndexFunc(f.Bundles, func(b *Bundle) bool { return b.Machine == m.Name })
		if at >= 0 && !renew && f.Bundles[at].Address() == m.Address {
			b := New(of, f.Bundles[at].texts)
			b.Machine = m.Name
			err = b.Write(filepath.Join(f.Dir, m.Name))
		} else {
			err = o.issue(m)
		}
		if err != nil {
			return err
		}
	}
	for _, b := range f.Bundles {
		if !slices.Contains(of.Names(), b.Machine) {
			if err := os.RemoveAll(b.Dir); err != nil {
				return fmt.Errorf("bundle of %s: %w", b.Machine, err)
			}
		}
	}
	return nil
}

// ParseMachines reads machines as they are given on the command line: m1=10.0.0.1, or
// m1=10.0.0.1:6222.
func ParseMachines(args []string) ([]Machine, error) {
	var all []Machine
	for _, arg := range args {
		name, address, ok := strings.Cut(arg, "=")
		if !ok || address == "" {
			return nil, events.Faultf(events.Invalid, "machine", "%q is not NAME=ADDRESS: write it like m1=10.0.0.1:%d", arg, Port)
		}
		all = append(all, Machine{name, withPort(address)})
	}
	return all, CheckMachines(all)
}
