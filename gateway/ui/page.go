package ui

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/gateway/change"
)

// page is what GET on a path shows.
type page struct {
	path     string // of the router: /jobs/{id}
	template string // its file is templates/NAME.html, which defines NAME
	title    string // what its data does not say by a method title() string
	nav      string // the entry of the bar that it belongs to
	public   bool   // it needs no session
	may      func(events.Token) error
	view     func(*call) (any, error)
}

// action is what POST on a path does.
type action struct {
	path   string
	public bool                     // it needs no session
	may    func(events.Token) error // nil: who may write
	do     func(*call) (done, error)
}

// done is what an action did.
type done struct {
	Next string // where to go on: a path of this server
	Note *Note  // said in place when the form was sent by our module; nil: go to Next then too
}

// Note says what an action did, or why not.
type Note struct {
	Text   string
	At     time.Time // zero: not said
	Href   string    // where to see more; a path of this server
	Link   string    // the words of the link
	Failed bool
	Ask    *ask // nil: nothing is asked
}

// ask is the button of a note that does what was not done.
type ask struct{ Action, Key, Next, Button string }

// anyone is the may of an action that changes nothing of Spool's: its session, its colours.
func anyone(events.Token) error { return nil }

// refused is a form that is shown again, with what is wrong with it.
type refused struct {
	page string // its template
	data any    // as the page's view gives it, with faults and with what was typed
}

// instead is a page that an action shows in place of going on: nothing is wrong, and
// nothing is done yet.
type instead refused

func (*instead) Error() string { return "the form is shown again" }

func (*refused) Error() string { return "the form is refused" }

// call is one request of a page or an action.
type call struct {
	who   change.Caller
	r     *http.Request
	w     http.ResponseWriter // for cookies; answers are written by the frame
	query url.Values
	cells []string // ids of the cells that are asked for; nil: the whole page
	now   time.Time

	position string // of the events, before anything was read
	path     string // of the page as the router knows it
}

// Headers by which our modules ask for parts.
const (
	headerCells = "Spool-Cells"
	headerNote  = "Spool-Note"
	headerNext  = "Spool-Next" // of the answer: where to go on
)

// mostCells is how many cells are answered at once; our modules ask for fewer.
const mostCells = 200

// isPart reports that a request is one of our modules, for a part of a page.
func isPart(r *http.Request) bool {
	return r.Header.Get(headerCells) != "" || r.Header.Get(headerNote) != ""
}

// call reads a request. The position of the events is taken before anything else is.
func (u *UI) call(w http.ResponseWriter, r *http.Request) *call {
	c := &call{r: r, w: w, who: u.api.Caller(r), query: r.URL.Query(), now: time.Now(), path: r.URL.Path}
	if u.api.Position != nil {
		c.position = u.api.Position()
	}
	for id := range strings.SplitSeq(r.Header.Get(headerCells), ",") {
		if id = strings.TrimSpace(id); id != "" && len(c.cells) < mostCells {
			c.cells = append(c.cells, id)
		}
	}
	return c
}

func (c *call) Context() context.Context { return c.r.Context() }

// id gives a part of the path, by its name there. "id" is a UUID: capitals are what some
// tools make of one.
func (c *call) id(name string) string {
	part := mux.Vars(c.r)[name]
	if name == "id" {
		part = strings.ToLower(part)
	}
	return part
}

// form gives what was typed into a field.
func (c *call) form(name string) string { return c.r.PostForm.Get(name) }

// key is the idempotency key of a form: of the one that was sent, else a new one.
func (c *call) key() string {
	if key := c.r.PostForm.Get("key"); key != "" {
		return key
	}
	return uuid.NewString()
}

// mayWrite reports that controls which change something are shown.
func (c *call) mayWrite() bool { return c.who.MayWrite() == nil }

// mayAdminister reports that controls of administrators are shown.
func (c *call) mayAdminister() bool { return c.who.MayAdminister() == nil }

// wants reports that a cell, or what belongs to an id, is asked for.
func (c *call) wants(id string) bool {
	return c.cells == nil || slices.Contains(c.cells, id)
}

// pass gives the query for a call of v2: the keys of pages are its keys, and after is its
// page_token. Keys of the frame are left out.
func (c *call) pass() url.Values {
	q := url.Values{}
	for key, values := range c.query {
		switch key {
		case "after":
			q["page_token"] = values
		case "did":
		default:
			if strings.Join(values, "") != "" { // a filter that is left empty filters nothing
				q[key] = values
			}
		}
	}
	return q
}
