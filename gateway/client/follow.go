package client

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"
)

// StreamedEvent is one server-sent event.
type StreamedEvent struct {
	ID   string // up to where the stream was delivered, with this event
	Type string
	Data []byte
}

// Pauses between two attempts to open a stream.
const (
	firstPause = 250 * time.Millisecond
	lastPause  = 15 * time.Second
)

// longestEvent bounds what one event may hold in memory.
const longestEvent = 16 << 20

// Events reads a stream until it ends, which is no error, or breaks. An event whose Data is
// nil is none: it says by its ID how far the stream has come.
func Events(stream io.Reader) iter.Seq2[StreamedEvent, error] {
	return func(yield func(StreamedEvent, error) bool) {
		lines := bufio.NewScanner(stream)
		lines.Buffer(nil, longestEvent)
		var e StreamedEvent
		for lines.Scan() {
			name, value, _ := bytes.Cut(lines.Bytes(), []byte(":"))
			value = bytes.TrimPrefix(value, []byte(" "))
			switch string(name) {
			case "id":
				e.ID = string(value)
			case "event":
				e.Type = string(value)
			case "data":
				if e.Data == nil {
					e.Data = []byte{} // an empty one is an event, too
				} else {
					e.Data = append(e.Data, '\n')
				}
				e.Data = append(e.Data, value...)
			}
			if len(lines.Bytes()) > 0 || e.Data == nil && e.ID == "" {
				continue
			}
			if !yield(e, nil) {
				return
			}
			e = StreamedEvent{ID: e.ID}
		}
		if err := lines.Err(); err != nil {
			yield(e, err)
		}
	}
}

// Follow reads a stream for as long as ctx lasts: when it breaks it is opened again, from
// the id of its last event on, which open is given. Pauses between attempts grow to 15 s, or
// are as long as the server asks. It ends with an error when the server refuses, or cannot be
// reached the first time, and without one when ctx ends, or done says of an event that it is
// the last.
//
// Of the events those with data are given. One may come twice.
func Follow(ctx context.Context, open func(lastID string) (*http.Response, error), done func(StreamedEvent) bool) iter.Seq2[StreamedEvent, error] {
	return func(yield func(StreamedEvent, error) bool) {
		f := follower{open: open, done: done, yield: yield}
		for pause := firstPause; ctx.Err() == nil; pause = min(2*pause, lastPause) {
			opened, err := f.read()
			if f.over || ctx.Err() != nil {
				return
			}
			if opened {
				pause, f.met = firstPause, true
			}
			if err = f.fatal(err, &pause); err != nil {
				yield(StreamedEvent{}, err)
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
	}
}

type follower struct {
	open  func(lastID string) (*http.Response, error)
	done  func(StreamedEvent) bool
	yield func(StreamedEvent, error) bool

	id   string // of the last event
	met  bool   // the server was there once
	over bool   // the reader has enough
}

// read reads one connection to its end.
func (f *follower) read() (opened bool, err error) {
	resp, err := f.open(f.id)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	for e, err := range Events(resp.Body) {
		if err != nil {
			return true, err
		}
		if f.id = e.ID; e.Data == nil {
			continue
		}
		if !f.yield(e, nil) || f.done != nil && f.done(e) {
			f.over = true
			return true, nil
		}
	}
	return true, nil
}

// fatal gives the error when trying again would not help, and how long to wait otherwise.
func (f *follower) fatal(err error, pause *time.Duration) error {
	refused, ok := errors.AsType[*Error](err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("an event of more than %d MiB: %w", longestEvent>>20, err)
	case !ok && f.met:
		return nil // the connection, which may come back
	case !ok:
		return err
	case refused.Status != http.StatusTooManyRequests && refused.Status != http.StatusServiceUnavailable:
		return err
	}
	*pause = max(*pause, refused.RetryAfter)
	return nil
}
