package cluster

import (
	"errors"
	"net"
	"regexp"
	"strconv"
	"strings"

	"spool.internal/events"
)

// Port is where a machine listens for the others when nobody says otherwise.
const Port = 6222

// nameForm is a name that is a token of a subject, a folder and a host name.
var nameForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)

// CheckName refuses what cannot be the name of a cluster.
func CheckName(name string) error { return checkName("name", name) }

// CheckPlace refuses what cannot be the name of a machine, which is that of a place.
func CheckPlace(name string) error { return checkName("place", name) }

func checkName(field, name string) error {
	if nameForm.MatchString(name) {
		return nil
	}
	return events.Faultf(events.Invalid, field, "%q is not a name: write it with lower-case letters, digits and hyphens, at most 32, such as m1", name)
}

// CheckMachines refuses machines that cannot be told apart or reached.
func CheckMachines(machines []Machine) error {
	var faults []error
	names, addresses := map[string]bool{}, map[string]string{}
	for _, m := range machines {
		if err := checkName("machine", m.Name); err != nil {
			faults = append(faults, err)
		}
		if names[m.Name] {
			faults = append(faults, events.Faultf(events.Invalid, "machine", "%s is given twice", m.Name))
		}
		if err := checkAddress(m); err != nil {
			faults = append(faults, err)
		} else if other := addresses[m.Address]; other != "" {
			faults = append(faults, events.Faultf(events.Invalid, "address", "%s is that of %s and of %s", m.Address, other, m.Name))
		}
		names[m.Name], addresses[m.Address] = true, m.Name
	}
	return errors.Join(faults...)
}

// withPort adds the usual port to an address that has none.
func withPort(address string) string {
	if _, _, err := net.SplitHostPort(address); err == nil {
		return address
	}
	return net.JoinHostPort(strings.Trim(address, "[]"), strconv.Itoa(Port))
}

func checkAddress(m Machine) error {
	host, port, err := net.SplitHostPort(m.Address)
	n, wrong := strconv.Atoi(port)
	if err != nil || host == "" || wrong != nil || n < 1 || n > 65535 {
		return events.Faultf(events.Invalid, "address", "%q of %s is not host:port: write it like 10.0.0.1:%d", m.Address, m.Name, Port)
	}
	return nil
}
