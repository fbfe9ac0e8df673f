package why

import (
	"strings"

	"spool.internal/events"
)

// Folder says what a watcher does with the folder of a job.
func (a At) Folder(f Facts) (string, Code) {
	d := f.Folder
	where := d.Path
	if where == "" {
		where = "the folder"
	}
	if d.Unserved {
		return upper(d.Reason) + ". What lies there runs once a machine serves the drive.", "folder_unserved"
	}
	switch d.State {
	case events.FolderAbsent:
		return upper(where) + " does not exist; looked every 5 s.", "folder_absent"
	case events.FolderBlocked:
		return because(upper(where)+" cannot be read"+a.sinceOf(d), strings.TrimSuffix(d.Reason, " (looked at "+d.Path+")")) +
			" It is tried again every 5 s.", "folder_blocked"
	case events.FolderArming:
		return "The folder is looked at for the first time.", "folder_arming"
	case events.FolderRescan:
		return "More happened in the folder at once than the system reports: all of it is looked at again.", "folder_rescan"
	case events.FolderPoll:
		if strings.Contains(d.Reason, events.WhyRemote) {
			return "Network mount: looked at every 30 s.", "folder_poll"
		}
		return because("Looked at every 30 s", d.Reason), "folder_poll"
	}
	s := "Watches " + where
	if !d.Since.IsZero() {
		s += " since " + a.near(d.Since, a.Now)
	}
	if !d.Looked.IsZero() {
		s += "; looked " + a.second(d.Looked)
	}
	if d.Reason != "" {
		return because(s, d.Reason), "watching"
	}
	return s + ".", "watching"
}

func (a At) sinceOf(d *Folder) string {
	if d.Since.IsZero() {
		return ""
	}
	return ", since " + a.near(d.Since, a.Now)
}
