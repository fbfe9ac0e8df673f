package watcher

import "strings"

// sayNoLease logs once that files of the folder give no lease.
func (f *folder) sayNoLease() {
	if !f.work.noLease {
		f.work.noLease = true
		f.log().Warn("no read leases on files here: each must stay unchanged for longer; run as the owner of the files, or with CAP_LEASE", "quiet", f.work.rule.Slow.String())
	}
}

// sayNoLink logs once that files of the folder cannot be linked, if err says so.
func (f *folder) sayNoLink(err error) {
	if err != nil && !f.work.noLink {
		f.work.noLink = true
		f.log().Warn("files here cannot be linked into their stages: they are copied", "error", err.Error())
	}
}

// note repeats in the state of the folder what the log has said once.
func (f *folder) note() string {
	var notes []string
	if f.work.noLease {
		notes = append(notes, "no read leases on files here: each must stay unchanged for "+f.work.rule.Slow.String())
	}
	if f.work.noLink {
		notes = append(notes, "files here cannot be linked: they are copied")
	}
	return strings.Join(notes, "; ")
}
