package cron

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

	"spool.internal/events"
)

// thisBoot is the start of this host that goes on, as the kernel tells it.
func thisBoot() (events.Boot, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return events.Boot{}, err
	}
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return events.Boot{}, err
	}
	host, err := os.Hostname()
	if err != nil {
		return events.Boot{}, err
	}
	for line := range strings.Lines(string(stat)) {
		text, ok := strings.CutPrefix(line, "btime ")
		if !ok {
			continue
		}
		seconds, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		return events.Boot{Host: host, ID: strings.TrimSpace(string(id)), At: time.Unix(seconds, 0).UTC()}, err
	}
	return events.Boot{}, errors.New("/proc/stat has no btime")
}
