package ui

import (
	"strings"

	"spool.internal/events"
)

// bar is one run in a row of bars.
type bar struct {
	Outcome events.Outcome
	Took    *int64 // ms; nil: not known
	Href    string // where the run is; empty: the bar is no link
}

// spark is a small chart of the last runs, drawn in units of its view box.
type spark struct {
	Bars  []sparkBar
	Width int
	Words string // what it shows, for who does not see it
}

type sparkBar struct {
	X, Y, Height int
	Outcome      string
	Href, Words  string
}

// Sizes of a spark.
const (
	sparkStep   = 8
	sparkHeight = 20
)

// sparkOf draws bars, which are newest first, with the newest at the right. Their height is
// how long each took beside the longest.
func sparkOf(bars []bar) spark {
	var longest int64 = 1
	for _, b := range bars {
		if b.Took != nil {
			longest = max(longest, *b.Took)
		}
	}
	s := spark{Width: max(len(bars), 1) * sparkStep}
	var words []string
	for i, b := range bars {
		height := 4
		if b.Took != nil {
			height += int((sparkHeight - 4) * *b.Took / longest)
		}
		says := strings.TrimSpace(word(b.Outcome) + " " + took(b.Took))
		words = append(words, says)
		s.Bars = append(s.Bars, sparkBar{
			X: (len(bars) - 1 - i) * sparkStep, Y: sparkHeight - height, Height: height, Outcome: string(b.Outcome), Href: b.Href, Words: says,
		})
	}
	s.Words = "last runs, newest first: " + strings.Join(words, ", ")
	if len(bars) == 0 {
		s.Words = "no runs yet"
	}
	return s
}
