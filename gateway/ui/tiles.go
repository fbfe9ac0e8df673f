package ui

import (
	"slices"
	"time"

	"spool.internal/events"
	"spool.internal/events/why"
	"spool.internal/gateway/v2"
)

// watched are the states that have a tile of their own, and whether they are bad.
var watched = []struct {
	state string
	bad   bool
}{{"failing", true}, {"running", false}, {"waiting", false}, {"retrying", true}}

// tilesOf counts what somebody may have to do something about, and the rest.
func tilesOf(o v2.Overview) (tiles, rest []tile) {
	for _, w := range watched {
		t := tile{Mark: w.state, Text: w.state, Href: "/jobs?state=" + w.state, Bad: w.bad}
		for _, s := range o.States {
			if s.State == w.state {
				t.Count, t.Href = s.Count, shownAt(s.Filter)
			}
		}
		tiles = append(tiles, t)
	}
	for _, s := range o.States {
		if s.State == "failed" || s.State == "gave_up" { // they are the failing, and who was acknowledged
			continue
		}
		if !slices.ContainsFunc(tiles, func(t tile) bool { return t.Mark == s.State }) {
			rest = append(rest, tile{Mark: s.State, Text: word(s.State), Href: shownAt(s.Filter), Count: s.Count})
		}
	}
	return append(tiles,
		tile{"dead", "dead letters", shownAt(o.Dead.Filter), o.Dead.Count, true},
		tile{"missed", "missed, 24 h", shownAt(o.Missed.Filter), o.Missed.Count, true},
	), rest
}

// folderOrder is the order in which states of folders are counted: what is wrong first.
var folderOrder = []events.FolderState{events.FolderBlocked, events.FolderAbsent, events.FolderArming, events.FolderRescan, events.FolderPoll, events.FolderLive}

// foldersOf counts folders by what is seen of them, and says why nothing is seen of some.
func foldersOf(o v2.Overview, now time.Time) (counts []tile, away []awayFolder) {
	for _, state := range folderOrder {
		if n := o.Folders.States[state]; n > 0 {
			counts = append(counts, tile{Mark: string(state), Text: folderWord(state), Count: n, Href: "/jobs?mode=automatic", Bad: state.Away()})
		}
	}
	for _, a := range o.Folders.Away {
		text, _ := why.At{Now: now}.Folder(why.Facts{Folder: why.FolderOf(a.Watch)})
		away = append(away, awayFolder{a.ID, a.Name, text, a.Watch.State})
	}
	return counts, away
}

// folderWord says what is done with a folder.
func folderWord(s events.FolderState) string {
	switch s {
	case events.FolderArming:
		return "looked at first"
	case events.FolderRescan:
		return "looked at again"
	case events.FolderPoll:
		return "looked at every 30 s"
	}
	return string(s)
}
