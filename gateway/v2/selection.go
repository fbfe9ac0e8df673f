package v2

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// filterField is where the filter of a selection stands.
const filterField = "select.filter"

// maxIDs is how many ids one selection names.
const maxIDs = 5000

// bulkRequest is a body {"select": {"filter": {…}} or {"ids": […]}, "action": …, "expect": …}.
type bulkRequest struct {
	filter url.Values // nil where ids are given
	ids    []string   // without repetitions
	action events.BulkAction
	terms  change.Terms
	expect *int
	id     string // of the action
}

// bulkForm says what a request may hold.
type bulkForm struct {
	actions []events.BulkAction
	words   []string // of the filter
	id      func(text string) (id string, ok bool)
}

// bulkSpace is the namespace of the ids of actions that are made from a caller's key.
var bulkSpace = uuid.MustParse("5c1e64b7-1b57-5d4b-8a43-6f3d0e7c9a02")

func (f bulkForm) read(r *http.Request, who change.Caller) (b bulkRequest, err error) {
	key, err := idempotencyKey(r)
	if err != nil {
		return b, err
	}
	if b.id = uuid.NewString(); key != "" {
		b.id = uuid.NewSHA1(bulkSpace, []byte(r.URL.Path+"\x00"+who.Owner+"\x00"+key)).String()
	}
	keys := []string{"select", "action", "expect"}
	if slices.Contains(f.actions, events.BulkDisable) {
		keys = append(keys, "reason", "until")
	}
	in, err := wire.ReadFields(r, keys...)
	if err != nil {
		return b, err
	}
	selected := in.Object("select")
	b.action = events.BulkAction(in.Text("action"))
	if in.Given("expect") {
		b.expect = new(in.Number("expect", 0, 0, events.MaxBulk))
	}
	if !slices.Contains(f.actions, b.action) {
		in.Fail("action", "must be one of %s", f.names())
	}
	if b.action != events.BulkDisable && (in.Given("reason") || in.Given("until")) {
		in.Fail("action", "takes no reason and no until: they are for disable")
	}
	if b.terms, err = termsOf(in); err != nil {
		return b, err
	}
	return b, f.selected(selected, &b)
}

func (f bulkForm) names() string {
	var names []string
	for _, a := range f.actions {
		names = append(names, string(a))
	}
	return strings.Join(names, ", ")
}

// selected reads what is selected.
func (f bulkForm) selected(o events.Object, b *bulkRequest) error {
	if len(o) != 1 || o[0].Key != "filter" && o[0].Key != "ids" {
		return events.Faultf(events.Invalid, "select", `must be {"filter": {…}} or {"ids": […]}; an empty filter is all of your own`)
	}
	if o[0].Key == "filter" {
		b.filter = url.Values{}
		return fill(b.filter, filterField, o[0].Value, f.words...)
	}
	var ids []string
	if json.Unmarshal(o[0].Value, &ids) != nil || len(ids) == 0 {
		return events.Faultf(events.Invalid, "select.ids", "must be a list of ids")
	}
	if len(ids) > maxIDs {
		return events.Faultf(events.Invalid, "select.ids", "has %d ids; at most %d are allowed: use a filter", len(ids), maxIDs)
	}
	seen := map[string]bool{}
	for _, text := range ids {
		id, ok := f.id(text)
		if !ok {
			return events.Faultf(events.Invalid, "select.ids", "%q is no id", wire.ShortKey(text))
		}
		if !seen[id] {
			seen[id] = true
			b.ids = append(b.ids, id)
		}
	}
	return nil
}

// selection is what is selected.
type selection struct {
	items []events.BulkItem
	names []string
}

// named is one of the first things of a selection.
type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// shownFirst is how many of a selection are shown when it is counted.
const shownFirst = 5

// take adds a thing to a selection.
func (c *selection) take(item events.BulkItem, name string) error {
	if c.items, c.names = append(c.items, item), append(c.names, name); len(c.items) > events.MaxBulk {
		return events.Faultf(events.Invalid, filterField, "means more than %d things: narrow it", events.MaxBulk)
	}
	return nil
}

// first shows the beginning of what is selected.
func (c selection) first() []named {
	list := []named{} // never null
	for i, item := range c.items[:min(len(c.items), shownFirst)] {
		list = append(list, named{item.ID, c.names[i]})
	}
	return list
}

// beginBulk answers with the count of a selection, or has the action begin.
func (a *API) beginBulk(w http.ResponseWriter, r *http.Request, of events.BulkOf, b bulkRequest, c selection) error {
	if b.expect == nil {
		wire.Write(w, http.StatusOK, struct {
			Count int     `json:"count"`
			First []named `json:"first"`
		}{len(c.items), c.first()})
		return nil
	}
	if *b.expect != len(c.items) {
		return wire.Refuse(http.StatusConflict, events.Conflict, "expect", "is %d, and %d are selected now: nothing was done", *b.expect, len(c.items))
	}
	who := a.Caller(r)
	token := who.ID
	if who.Parent != "" { // who signs out ends his session, and not what he has begun
		token = who.Parent
	}
	begun, err := a.Bulks.Begin(r.Context(), events.Bulk{
		ID: b.id, Of: of, Action: b.action, By: who.Owner, From: who.From, Role: who.Role, Paths: who.Paths, TokenID: token,
		Reason: b.terms.Reason, Until: b.terms.Until,
	}, c.items)
	if err != nil {
		return err
	}
	wire.Write(w, http.StatusAccepted, showBulk(begun))
	return nil
}

// begunBefore answers a request that was sent before under the same key with how its action stands.
func (a *API) begunBefore(w http.ResponseWriter, r *http.Request, b bulkRequest) (answered bool, err error) {
	if b.expect == nil || r.Header.Get(events.HeaderKey) == "" {
		return false, nil
	}
	begun, seq, err := a.Bus.Bulk(r.Context(), b.id)
	if err != nil || seq == 0 {
		return false, err
	}
	wire.Write(w, http.StatusAccepted, showBulk(begun))
	return true, nil
}

// bulkShown is how far an action is.
type bulkShown struct {
	ID      string               `json:"bulk_id"`
	Of      events.BulkOf        `json:"of"`
	Action  events.BulkAction    `json:"action"`
	State   events.BulkState     `json:"state"`
	Count   int                  `json:"count"`
	Done    int                  `json:"done"`
	Failed  []events.BulkFailure `json:"failed"`
	Fails   int                  `json:"failed_count"`
	By      string               `json:"by"`
	Started time.Time            `json:"started"`
	Ended   time.Time            `json:"ended,omitzero"`
	Reason  string               `json:"reason,omitempty"`
	Until   time.Time            `json:"until,omitzero"`
	Message string               `json:"message,omitempty"`
}

func showBulk(b events.Bulk) bulkShown {
	return bulkShown{
		ID: b.ID, Of: b.Of, Action: b.Action, State: b.State, Count: b.Count, Done: b.Done,
		Failed: append([]events.BulkFailure{}, b.Failed...), Fails: b.Fails, By: b.By, Started: b.Started.UTC(), Ended: b.Ended.UTC(),
		Reason: b.Reason, Until: b.Until.UTC(), Message: b.Message,
	}
}

func (a *API) getBulk(w http.ResponseWriter, r *http.Request) error {
	if q := wire.ReadQuery(r); q.Err() != nil {
		return q.Err()
	}
	none := events.Faultf(events.NotFound, "id", "no such action, or it is older than 30 days")
	id := strings.ToLower(mux.Vars(r)["id"])
	if uuid.Validate(id) != nil || len(id) != len(uuid.Nil.String()) {
		return none
	}
	b, seq, err := a.Bus.Bulk(r.Context(), id)
	if err != nil {
		return err
	}
	if seq == 0 || !a.Caller(r).MaySee(b.By) {
		return none
	}
	wire.Write(w, http.StatusOK, showBulk(b))
	return nil
}
