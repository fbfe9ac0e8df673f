package main

import (
	"os"

	"github.com/spf13/pflag"

	"spool.internal/events/reserve"
	"spool.internal/services/daemon"
)

// spare is the flag --reserve: the space kept free for the store on the disk of the data
// folder.
type spare struct {
	bytes int64 // 0 = the default
	none  bool
}

func (s *spare) flags(f *pflag.FlagSet, _ bool) {
	f.Var(s, "reserve", "space kept free for the store on the disk of --data, such as 2GiB, or none: below it, uploads, stages and run logs on that disk stop; below half of it, flows that write there are ended (default: a twentieth of the disk, at most 1GiB)")
}

func (s *spare) check(*settings) error { return nil }

func (s *spare) Type() string { return "size" }

func (s *spare) String() string {
	if s.none {
		return "none"
	}
	return size{n: &s.bytes}.String()
}

// Set takes a size, or none.
func (s *spare) Set(text string) error {
	if s.none = text == "none"; s.none {
		return nil
	}
	return size{n: &s.bytes}.Set(text)
}

// of returns the reserve of a data folder and logs its size; /readyz has a note while less
// is free.
func (s *spare) of(p *daemon.Process, data string) *reserve.Reserve {
	if s.none {
		return nil
	}
	kept := reserve.New(data, s.bytes)
	p.OnNote("disk", func() []string {
		if short := kept.Short(os.Stat(data)); short != nil {
			return []string{short.Error()}
		}
		return nil
	})
	p.Log.Info("space is kept free for the store", "reserve", reserve.Size(kept.Bytes()), "disk_of", data)
	return kept
}
