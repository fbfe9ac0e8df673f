package v2

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/reserve"
	"spool.internal/events/sorting"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// Drive is a drive as a caller may use it.
type Drive struct {
	Path     string   `json:"path"`
	From     string   `json:"from"`             // what makes it a drive
	Writable bool     `json:"writable"`         // for the caller
	Reaches  []string `json:"reaches,omitzero"` // what of it the token reaches, unless that is the whole
	Free     *int64   `json:"free_bytes,omitempty"`
	Total    *int64   `json:"total_bytes,omitempty"`
	Problem  string   `json:"problem,omitzero"` // why it cannot be used now
	Places   []string `json:"places,omitzero"`  // the machines that serve it, where drives are those of machines
	Shared   bool     `json:"shared,omitzero"`  // it is the same folder on all of them

	// For administrators.
	Host string     `json:"host_folder,omitzero"`
	By   string     `json:"by,omitzero"`        // a job: of this user
	At   *time.Time `json:"recorded,omitempty"` // a job: when

	host string
}

// What makes a folder a drive.
const (
	fromDrives = "drives" // it lies in the folder of all drives
	fromFlag   = "flag"   // --drive, of this gateway
	fromJob    = "job"    // the input of a job
	fromPlace  = "place"  // another machine serves it
)

// DrivePage is a page of drives.
type DrivePage struct {
	Drives []Drive `json:"drives"`
	Next   string  `json:"next_page_token,omitzero"`
}

func (a *API) listDrives(w http.ResponseWriter, r *http.Request) error {
	values, err := wire.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	page, err := a.ListDrives(r.Context(), a.Caller(r), values)
	if err != nil {
		return err
	}
	wire.Write(w, http.StatusOK, page)
	return nil
}

// ListDrives lists the drives on which a caller reaches something.
func (a *API) ListDrives(ctx context.Context, who change.Caller, values url.Values) (DrivePage, error) {
	q := wire.ReadValues(values, "limit", "page_token")
	limit := q.Limit(wire.DefaultLimit)
	_, after := q.After()
	if q.Err() != nil {
		return DrivePage{}, q.Err()
	}
	all, err := a.drivesOf(ctx, who.Token)
	if err != nil {
		return DrivePage{}, err
	}
	page := DrivePage{Drives: []Drive{}}
	for _, d := range all {
		if after != "" && d.Path <= after {
			continue
		}
		if len(page.Drives) == limit {
			page.Next = wire.PageToken(int64(0), page.Drives[limit-1].Path)
			break
		}
		page.Drives = append(page.Drives, d)
	}
	a.rooms.fill(page.Drives, who.Role.MayWrite())
	return page, nil
}

// drivesOf lists the drives on which a token reaches something, in the order of their paths.
func (a *API) drivesOf(ctx context.Context, t events.Token) (all []Drive, err error) {
	reach := t.Access()
	add := func(p events.Path, d Drive) {
		whole, parts := reach.On(p)
		if !whole && len(parts) == 0 {
			return
		}
		d.Path, d.Reaches = p.String(), parts
		if d.host = d.Host; t.MayAdminister() != nil {
			d.Host, d.By, d.At = "", "", nil
		}
		all = append(all, d)
	}
	recorded, err := a.Bus.Drives(ctx)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, d := range recorded {
		p, err := events.ParsePath("path", d.Path)
		if err != nil {
			continue // of another version
		}
		known[p.Drive] = true
		add(p, Drive{Host: d.Host, From: fromJob, By: d.By, At: &d.At})
	}
	if a.Drives != nil {
		places, err := a.Drives.List()
		if err != nil {
			a.Log.Warn("not all drives can be listed", "error", err.Error())
		}
		for _, p := range places {
			switch {
			case p.Flag:
				add(p.Path, Drive{Host: p.Host, From: fromFlag})
			case !known[p.Path.Drive]: // else what its runs write lies there
				add(p.Path, Drive{Host: p.Host, From: fromDrives})
			}
		}
	}
	a.addPlaces(ctx, all, add)
	sorting.By(all, func(x, y Drive) int { return cmp.Compare(x.Path, y.Path) })
	return all, nil
}

// rooms looks at the disks of drives. One that hangs is asked once at a time, and is not
// waited for.
type rooms struct {
	mu   sync.Mutex
	busy map[string]*room // by folder
}

// room is one look at a folder.
type room struct {
	done        chan struct{}
	free, total int64
	err         error // why it is not known how much there is
	closed      error // why nothing can be written
}

// roomPatience is how long disks may take to answer.
const roomPatience = 2 * time.Second

func (x *rooms) look(host string) *room {
	x.mu.Lock()
	defer x.mu.Unlock()
	if busy, ok := x.busy[host]; ok {
		return busy
	}
	if x.busy == nil {
		x.busy = map[string]*room{}
	}
	r := &room{done: make(chan struct{})}
	x.busy[host] = r
	go func() {
		defer close(r.done)
		r.free, r.total, r.err = reserve.Room(host)
		r.closed = reserve.Writable(host)
		x.mu.Lock()
		defer x.mu.Unlock()
		delete(x.busy, host)
	}()
	return r
}

// fill adds to drives how much room they have, and whether a caller that may write can.
func (x *rooms) fill(drives []Drive, writer bool) {
	limit, cancel := context.WithTimeout(context.Background(), roomPatience)
	defer cancel()
	looks := make([]*room, len(drives))
	for i := range drives {
		if drives[i].host != "" { // else it is another machine's
			looks[i] = x.look(drives[i].host)
		}
	}
	for i, r := range looks {
		d := &drives[i]
		if r == nil {
			d.Writable = writer && d.Problem == ""
			continue
		}
		select {
		case <-r.done:
		case <-limit.Done():
		}
		select {
		case <-r.done:
		default:
			d.Problem = "its disk does not answer: who runs the server has to see whether it is mounted"
			continue
		}
		if r.err != nil {
			d.Problem = "its folder cannot be looked at: who runs the server has to see whether it is there, and mounted"
			continue
		}
		d.Free, d.Total, d.Writable = &r.free, &r.total, writer && r.closed == nil
	}
}
