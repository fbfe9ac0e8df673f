package events

// Backlog is what catch-up owes one job beyond its newest slot. Cron's passes add to
// it. Whoever drains it writes what rests, which takes the place of everything before.
type Backlog struct {
	JobID string    `json:"job_id"`
	Rest  bool      `json:"rest,omitzero"` // takes the place of the messages before it, else adds to them
	Owed  []Stretch `json:"owed"`          // oldest first

	First uint64 `json:"-"` // sequence of the oldest message that counts
	Last  uint64 `json:"-"` // sequence of the newest: what a rest is to follow
}

// Slots counts the triggers that are owed.
func (b *Backlog) Slots() (n int) {
	for _, s := range b.Owed {
		n += s.Slots
	}
	return n
}

// Stretch is slots of a job under one schedule.
type Stretch struct {
	When
	From  Minute `json:"from"`  // first slot
	To    Minute `json:"to"`    // last slot, inclusive
	Slots int    `json:"slots"` // how many that are

	Down *Downtime `json:"down,omitempty"` // when nobody answered for them
}

// Answers is a set of slot outcomes, committed whole or not at all.
type Answers struct {
	Fired  []Trigger
	Passed []Verdict
	Later  []Backlog

	bodies [][]byte
}

// Len returns the number of messages.
func (a Answers) Len() int { return len(a.Fired) + len(a.Passed) + len(a.Later) }

// Encode does the encoding ahead of the commit. Nothing may be changed after it.
func (a *Answers) Encode() { a.bodies = a.Bodies() }

// Bodies are the bodies of the messages: of Fired, of Passed and of Later.
func (a Answers) Bodies() [][]byte {
	if a.bodies != nil {
		return a.bodies
	}
	bodies := make([][]byte, 0, a.Len())
	for _, t := range a.Fired {
		bodies = append(bodies, Encode(t))
	}
	for _, v := range a.Passed {
		bodies = append(bodies, Encode(v))
	}
	for _, b := range a.Later {
		bodies = append(bodies, Encode(b))
	}
	return bodies
}
