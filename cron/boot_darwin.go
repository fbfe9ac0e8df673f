package cron

import (
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"spool.internal/events"
)

// thisBoot is the start of this host that goes on. Where the clock is set, the system
// moves the time with it; the session's id stays.
func thisBoot() (events.Boot, error) {
	host, err := os.Hostname()
	if err != nil {
		return events.Boot{}, err
	}
	at, err := unix.SysctlTimeval("kern.boottime")
	if err != nil {
		return events.Boot{}, err
	}
	id, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil {
		id = strconv.FormatInt(at.Sec, 10)
	}
	return events.Boot{Host: host, ID: id, At: time.Unix(at.Unix()).UTC()}, nil
}
