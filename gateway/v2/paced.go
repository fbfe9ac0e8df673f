package v2

import (
	"io"
	"time"
)

// paced extends the time that a client has with each part that is read for it.
type paced struct {
	io.Reader
	extend func()
}

func (p *paced) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	p.extend()
	return n, err
}

// inAMinute is until when a client has to have taken what was written.
func inAMinute() time.Time { return time.Now().Add(time.Minute) }
