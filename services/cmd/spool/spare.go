package main

import (
	"log/slog"

	"github.com/spf13/pflag"

	"spool.internal/events/reserve"
)

// spare is how much of the disk of the data folder is kept free for the store.
type spare struct {
	bytes int64 // 0 = the default
	none  bool
}

func (s *spare) flag(f *pflag.FlagSet) {
	f.Var(s, "reserve", "bytes kept free for the store on the disk of --data, as 2GiB, or none: with less, uploads, stages and run logs stop there, with half of it flows that write there are ended (default: a twentieth of the disk, at most 1GiB)")
}

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

// of gives the reserve of a data folder, and says what it is.
func (s *spare) of(data string, log *slog.Logger) *reserve.Reserve {
	kept := reserve.New(data, s.bytes)
	if s.none {
		kept = nil
	}
	log.Info("room is kept free for the store", "reserve", reserve.Size(kept.Bytes()), "disk_of", data)
	return kept
}
