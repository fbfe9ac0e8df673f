package ui

import "slices"

// allPages are the pages of every owner of some.
func (u *UI) allPages() []page {
	return slices.Concat(
		u.loginPages(),
		u.overviewPages(),
		u.editorPages(), // before /jobs/{id}
		u.livePages(),
		u.sessionPages(),
		u.filesPages(),
		u.jobsPages(),
		u.jobPages(),
		u.runPages(),
		u.deadPages(),
		u.tokenPages(),
		u.subscriberPages(),
		u.systemPages(),
	)
}

// allActions are likewise.
func (u *UI) allActions() []action {
	return slices.Concat(
		u.loginActions(),
		u.runActions(),
		u.deadActions(),
		u.sessionActions(),
		u.filesActions(),
		u.jobsActions(),
		u.jobActions(),
		u.editorActions(),
		u.tokenActions(),
		u.subscriberActions(),
	)
}
