package jet

import (
	"maps"
	"sync"
	"time"
)

// CommitBounds are the upper bounds, in seconds, of the classes that commits are counted in.
var CommitBounds = [...]float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2}

// Commits is how many commits to a stream were acknowledged, and how long that took.
type Commits struct {
	Count   uint64
	Seconds float64                   // together
	Within  [len(CommitBounds)]uint64 // how many took up to each bound
}

// Add adds others.
func (c *Commits) Add(o Commits) {
	c.Count += o.Count
	c.Seconds += o.Seconds
	for i := range o.Within {
		c.Within[i] += o.Within[i]
	}
}

// figures counts what a bus committed.
type figures struct {
	mu      sync.Mutex
	commits map[string]Commits // by stream
}

func (f *figures) committed(stream string, took time.Duration) {
	one := Commits{Count: 1, Seconds: took.Seconds()}
	for i, bound := range CommitBounds {
		if one.Seconds <= bound {
			one.Within[i] = 1
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.commits == nil {
		f.commits = map[string]Commits{}
	}
	c := f.commits[stream]
	c.Add(one)
	f.commits[stream] = c
}

// Commits gives what was committed over this bus, by stream.
func (b *Bus) Commits() map[string]Commits {
	b.figures.mu.Lock()
	defer b.figures.mu.Unlock()
	all := make(map[string]Commits, len(b.figures.commits))
	maps.Copy(all, b.figures.commits)
	return all
}
