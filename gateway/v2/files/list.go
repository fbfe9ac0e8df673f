package files

import (
	"encoding/base64"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/sorting"
	"spool.internal/gateway/wire"
)

// page is a part of a listing, in the shape of the Instabase Files API.
type page struct {
	Nodes     []node `json:"nodes"`
	HasMore   bool   `json:"has_more"`
	NextToken string `json:"next_page_token,omitzero"`
}

type node struct {
	Name     string   `json:"name"`
	FullPath string   `json:"full_path"`
	Metadata metadata `json:"metadata"`
}

type metadata struct {
	NodeType string      `json:"node_type"`
	Size     int64       `json:"size"`               // bytes; 0 for a folder
	Modified int64       `json:"modified_timestamp"` // unix seconds
	Perms    permissions `json:"perms"`
}

type permissions struct {
	Read   bool `json:"can_read"`
	Write  bool `json:"can_write"`
	Delete bool `json:"can_delete"`
}

// list answers with one page of a folder.
func (a *API) list(w http.ResponseWriter, r *http.Request, values url.Values, p events.Path, drives *drive.Drives) error {
	size, after, err := paging(values)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodHead {
		return nil
	}
	dir, err := drives.OpenDir(p)
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := nextNames(dir, after, size+1)
	if err != nil {
		return err
	}
	answer := page{Nodes: []node{}, HasMore: len(names) > size}
	if answer.HasMore {
		names = names[:size]
		answer.NextToken = base64.RawURLEncoding.EncodeToString([]byte(names[size-1]))
	}
	writer := a.Token(r).Role.MayWrite()
	for _, name := range names {
		info, err := dir.Lstat(name)
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			info, err = drives.Stat(p.Join(name))
		}
		if err != nil || typeOf(info) == "" {
			continue // gone meanwhile, a link that leads where it must not, a pipe
		}
		n := node{name, p.Join(name).String(), metadata{
			typeOf(info), info.Size(), info.ModTime().Unix(), permissions{true, writer, writer},
		}}
		if info.IsDir() {
			n.Metadata.Size = 0
		}
		answer.Nodes = append(answer.Nodes, n)
	}
	wire.Write(w, http.StatusOK, answer)
	return nil
}

func paging(values url.Values) (size int, after string, err error) {
	size = wire.DefaultLimit
	if text := values.Get("page_size"); text != "" {
		if size, err = strconv.Atoi(text); err != nil || size < 1 || size > wire.MaxLimit {
			return 0, "", events.Faultf(events.Invalid, "page_size", "must be 1 to %d", wire.MaxLimit)
		}
	}
	raw, err := base64.RawURLEncoding.DecodeString(values.Get("page_token"))
	if err != nil {
		return 0, "", events.Faultf(events.Invalid, "page_token", "is not a next_page_token of a listing: leave it out to begin with the first page")
	}
	return size, string(raw), nil
}

// nextNames gives the first n names after one, in order. The folder is read
// whole for each page, and at most a few batches of names are kept.
func nextNames(dir *os.Root, after string, n int) ([]string, error) {
	var names []string
	err := eachName(dir, func(name string) {
		if events.Reserved(name) || name <= after {
			return
		}
		if names = append(names, name); len(names) == n+4*batch {
			sorting.By(names, strings.Compare)
			clear(names[n:])
			names = names[:n]
		}
	})
	slices.Sort(names)
	return names[:min(n, len(names))], err
}
