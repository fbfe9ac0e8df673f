package cron

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-co-op/gocron/v2"
)

// sweepEvery is how often old clocks are taken out of the stream.
const sweepEvery = time.Hour

// newScheduler makes the clock of the process: gocron, in UTC, which will call
// minute at every whole minute and sweep every hour. Neither may block: gocron
// waits for its tasks when it is shut down.
func newScheduler(minute, sweep func()) (gocron.Scheduler, error) {
	s, err := gocron.NewScheduler(gocron.WithLocation(time.UTC))
	if err != nil {
		return nil, fmt.Errorf("gocron: %w", err)
	}
	_, err = s.NewJob(gocron.CronJob("* * * * *", false), gocron.NewTask(minute),
		gocron.WithCronImplementation(minutely{}), gocron.WithName("minute"))
	if err == nil {
		_, err = s.NewJob(gocron.DurationJob(sweepEvery), gocron.NewTask(sweep), gocron.WithName("sweep"))
	}
	if err != nil {
		return nil, fmt.Errorf("gocron: %w", errors.Join(err, s.Shutdown()))
	}
	return s, nil
}

// minutely is every whole UTC minute, for gocron, whose own parser reads no text
// of ours. It is never behind the present, for gocron would walk there minute by
// minute, and never zero, on which gocron would spin.
type minutely struct{}

func (minutely) IsValid(string, *time.Location, time.Time) error { return nil }

func (minutely) Next(last time.Time) time.Time {
	if now := time.Now(); now.After(last) {
		last = now
	}
	return last.UTC().Truncate(time.Minute).Add(time.Minute)
}
