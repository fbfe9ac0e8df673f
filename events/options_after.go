package events

import "strings"

// After is what becomes of a file in the watched folder when its run has ended.
type After struct {
	OK     Afterwards
	Failed Afterwards
}

// Any reports that something is to be done.
func (a After) Any() bool { return a.OK != Afterwards{} || a.Failed != Afterwards{} }

// Afterwards is one of: nothing, which is the zero value; delete; move.
type Afterwards struct {
	Delete bool
	Move   Path // the folder; zero = the file stays
}

const moveTo = "move:"

func readAfter(r *reader, input Path) (a After) {
	r.refuseUnknown()
	for key, at := range map[string]*Afterwards{"ok": &a.OK, "failed": &a.Failed} {
		text := r.text(key)
		folder, move := strings.CutPrefix(text, moveTo)
		switch {
		case text == "", text == "keep":
		case text == "delete" && key == "ok":
			at.Delete = true
		case move:
			to, err := ParsePath(key, folder)
			if err != nil && !strings.Contains(folder, "/") && folder != "" && folder != ".." && folder != "." {
				to, err = input.Sibling(folder), nil
			}
			if err != nil {
				r.fail(key, "%q names no folder: give move:owner/repo/fs/drive/folder, or move:name for a folder beside the watched one", folder)
			}
			at.Move = to
		case key == "ok":
			r.fail(key, "%q is not one of keep, delete, move:<folder>", text)
		default:
			r.fail(key, "%q is not one of keep, move:<folder>", text)
		}
	}
	return a
}

// check refuses what would be run again, or is nobody's to write.
func (a After) check(spooled bool, input Path) error {
	for key, to := range a.folders() {
		field := "spool.after." + key
		switch {
		case to.Within(input):
			return Faultf(Invalid, field, "%s lies in the watched folder: the file would be run again; give a folder outside of it", to)
		case to.Reserved():
			return Reserves(field)
		case to.Rel == "":
			return Faultf(Invalid, field, "%s is the root of a drive: give a folder on it", to)
		}
	}
	if a.Any() && !spooled {
		return Faultf(Invalid, "spool.after", "is of jobs in automatic mode: this one runs by the clock, and its files are nobody's alone")
	}
	return nil
}

// folders gives the folders that files are moved to, by key.
func (a After) folders() map[string]Path {
	all := map[string]Path{}
	for key, do := range map[string]Afterwards{"ok": a.OK, "failed": a.Failed} {
		if do.Move != (Path{}) {
			all[key] = do.Move
		}
	}
	return all
}
