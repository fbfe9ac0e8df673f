package ui

// told says what the action did that led to a page: ?did= names what it made or started,
// and the words are made of what is stored of that, so that no link can put words here.
func (u *UI) told(*call) *Note { return nil }
