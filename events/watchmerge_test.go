package events

import (
	"testing"
	"time"
)

// What a watcher says of a folder counts until it should have said it again, however often another one does.
func TestMergeWatchCountsWhoIsThere(t *testing.T) {
	now := time.Now()
	said := func(place string, state FolderState, ago time.Duration) SaidWatch {
		return SaidWatch{WatchState: WatchState{JobID: "j", Place: place, State: state}, At: now.Add(-ago)}
	}
	for ago, want := range map[time.Duration]FolderState{0: FolderAbsent, StateRenew: FolderAbsent, 2 * StateRenew: FolderLive} {
		if got := MergeWatch([]SaidWatch{said("a", FolderLive, 0), said("b", FolderAbsent, ago)}); got == nil || got.State != want {
			t.Errorf("said %v ago: %+v, want %s", ago, got, want)
		}
	}
}
