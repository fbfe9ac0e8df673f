package runner

import (
	"path/filepath"
	"sync"

	"spool.internal/services/runner/cell"
	"spool.internal/services/runner/process"
)

// Host is what a runner finds out of the machine and its kernel by trying, with processes, what flows
// can be shut in by. It takes a while and needs no store.
type Host struct {
	program process.Program
	room    cell.Room
	lacks   []string // what this host cannot do
	loose   []byte   // the filter of what is not shut in
}

// LookAround begins to find out of the host what a runner of this configuration needs, beside what else is
// started; the returned func waits for it. What nobody gives to [New], in [Config.Host], is to be closed.
func LookAround(cfg Config) func() (*Host, error) {
	var h *Host
	var err error
	var done sync.WaitGroup
	done.Go(func() { h, err = cfg.look() })
	return func() (*Host, error) {
		done.Wait()
		return h, err
	}
}

// look finds it out.
func (c Config) look() (*Host, error) {
	var err error
	if c.DataDir, err = filepath.Abs(c.DataDir); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	h := &Host{}
	if h.program, err = process.New(c.DataDir); err != nil {
		return nil, err
	}
	inEach := c.boundMemory(&h.program)
	h.room, h.lacks, err = commonRoom(c, h.program)
	h.room.Limits.Memory = inEach
	h.program.Shared = cell.NewShared(h.room)
	if err == nil {
		h.loose, err = filterOf(c, h.room.Form, false)
	}
	if err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

// Close gives up what no runner was made with.
func (h *Host) Close() { h.program.Close() }
