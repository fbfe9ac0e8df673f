package ui

import (
	"time"

	"spool.internal/events/why"
	"spool.internal/gateway/v2"
)

// hour is a chart of the starts in the next hour, in units of its view box.
type hour struct {
	Parts  []hourPart
	Starts int
	Most   int
	Width  int
	Words  string
}

type hourPart struct {
	From, To     time.Time
	Starts       int
	Href         string
	X, Y, Height int
	Wide         int
	Words        string
	Label        string // of the axis; empty at most parts
	LabelX       int
}

// Sizes of the chart.
const (
	hourStep = 40
	hourWide = 32
	hourTall = 64
)

// hourOf draws the starts, which come in parts of five minutes.
func hourOf(o v2.Overview) hour {
	h := hour{Width: hourStep * max(len(o.Next), 1)}
	for _, s := range o.Next {
		h.Starts += s.Starts
		h.Most = max(h.Most, s.Starts)
	}
	for i, s := range o.Next {
		p := hourPart{From: s.From, To: s.To, Starts: s.Starts, Href: shownAt(s.Filter), X: i * hourStep, Wide: hourWide}
		p.LabelX, p.Height = p.X+hourWide/2, 2
		if s.Starts > 0 {
			p.Height = max((hourTall-16)*s.Starts/h.Most, 4)
		}
		p.Y = hourTall - p.Height
		p.Words = s.From.UTC().Format("15:04") + " to " + s.To.UTC().Format("15:04 UTC") + ": " + why.Count(s.Starts, "start")
		if i%3 == 0 {
			p.Label = s.From.UTC().Format("15:04")
		}
		h.Parts = append(h.Parts, p)
	}
	h.Words = why.Count(h.Starts, "start") + " by the clock in the next 60 minutes, in parts of 5"
	return h
}
