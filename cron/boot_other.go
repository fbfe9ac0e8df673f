//go:build !linux && !darwin

package cron

import (
	"errors"

	"spool.internal/events"
)

func thisBoot() (events.Boot, error) {
	return events.Boot{}, errors.New("this system is not asked for it")
}
