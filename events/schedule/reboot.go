package schedule

import (
	"strings"
	"time"
)

// Reboot is the schedule of what runs once at each start of its machine. It has no
// slots: Next finds none.
const Reboot = "@reboot"

// IsReboot reports whether an expression is [Reboot].
func IsReboot(expr string) bool { return strings.EqualFold(strings.Trim(expr, " \t\r\n"), Reboot) }

// ParseAny is [Parse], and takes [Reboot] as well.
func ParseAny(expr string, loc *time.Location) (*Schedule, error) {
	if !IsReboot(expr) {
		return Parse(expr, loc)
	}
	s, err := Parse("0 0 1 1 *", loc) // whatever is wrong with the zone
	if err != nil {
		return nil, err
	}
	return &Schedule{loc: s.loc, reboot: true}, nil
}

// Reboot reports whether the schedule is [Reboot].
func (s *Schedule) Reboot() bool { return s.reboot }
