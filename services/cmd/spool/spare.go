package main

import (
	"os"

	"github.com/spf13/pflag"

	"spool.internal/events/reserve"
	"spool.internal/services/daemon"
)

// spare is how much of the disk of the data folder is kept free for the store.
type spare struct {
	bytes int64 // 0 = the default
	none  bool
}

func (s *spare) flags(f *pflag.FlagSet, _ bool) {
	f.Var(s, "reserve", "bytes kept free for the store on the disk of --data, as 2GiB, or none: with less, uploads, stages and run logs stop there, with half of it flows that write there are ended (default: a twentieth of the disk, at most 1GiB)")
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

// of gives the reserve of a data folder, and says what it is; /readyz says when it is short.
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
	p.Log.Info("room is kept free for the store", "reserve", reserve.Size(kept.Bytes()), "disk_of", data)
	return kept
}
