package files

import (
	"net/http"

	"spool.internal/gateway/wire"
)

// delete takes away a file, a link, or a folder.
func (a *API) delete(w http.ResponseWriter, r *http.Request) error {
	values, err := wire.Values(r, "recursive")
	if err != nil {
		return err
	}
	recursive, err := flag(values, "recursive")
	if err != nil {
		return err
	}
	p, err := a.toChange(r)
	if err != nil {
		return err
	}
	t, err := a.open(a.Token(r), p, false)
	if err != nil {
		return err
	}
	defer t.dir.Close()
	info, err := t.dir.Lstat(t.name)
	if err != nil {
		return err
	}
	remove := t.dir.Remove
	if info.IsDir() && recursive {
		remove = t.dir.RemoveAll
	}
	if err := remove(t.name); err != nil {
		return err
	}
	if err := syncFolder(t.dir); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
