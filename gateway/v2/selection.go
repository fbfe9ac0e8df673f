package v2

import (
	"context"
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

// BulkRequest is an action on many things. Of HTTP it is a body
// {"select": {"filter": {…}} or {"ids": […]}, "action": …, "expect": …}.
type BulkRequest struct {
	Filter url.Values // as the list takes it; nil where ids are given
	IDs    []string
	Action events.BulkAction
	Terms  change.Terms // of disabling
	Expect *int         // how many were counted; nil: they are to be counted
	Key    string       // under which the action is begun once; "" = none
}

// bulkForm says what a request may hold.
type bulkForm struct {
	of      events.BulkOf
	path    string // of the call
	actions []events.BulkAction
	words   []string // of the filter
	id      func(text string) (id string, ok bool)
}

// bulkSpace is the namespace of the ids of actions that are made from a caller's key.
var bulkSpace = uuid.MustParse("5c1e64b7-1b57-5d4b-8a43-6f3d0e7c9a02")

// idOf is the id of an action.
func (f bulkForm) idOf(who change.Caller, key string) string {
	if key == "" {
		return uuid.NewString()
	}
	return uuid.NewSHA1(bulkSpace, []byte(f.path+"\x00"+who.Owner+"\x00"+key)).String()
}

func (f bulkForm) read(r *http.Request) (b BulkRequest, err error) {
	if b.Key, err = idempotencyKey(r); err != nil {
		return b, err
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
	b.Action = events.BulkAction(in.Text("action"))
	if in.Given("expect") {
		b.Expect = new(in.Number("expect", 0, 0, events.MaxBulk))
	}
	if fault := f.knows(b.Action); fault != "" {
		in.Fail("action", "%s", fault)
	}
	if b.Action != events.BulkDisable && (in.Given("reason") || in.Given("until")) {
		in.Fail("action", "takes no reason and no until: they are for disable")
	}
	if b.Terms, err = termsOf(in); err != nil {
		return b, err
	}
	return b, f.selected(selected, &b)
}

// knows says what is wrong with an action that cannot be done with such things.
func (f bulkForm) knows(action events.BulkAction) string {
	if slices.Contains(f.actions, action) {
		return ""
	}
	var names []string
	for _, a := range f.actions {
		names = append(names, string(a))
	}
	return "must be one of " + strings.Join(names, ", ")
}

// selected reads what is selected.
func (f bulkForm) selected(o events.Object, b *BulkRequest) error {
	if len(o) != 1 || o[0].Key != "filter" && o[0].Key != "ids" {
		return events.Faultf(events.Invalid, "select", `must be {"filter": {…}} or {"ids": […]}; an empty filter is all of your own`)
	}
	if o[0].Key == "filter" {
		filter := url.Values{}
		if err := fill(filter, filterField, o[0].Value, f.words...); err != nil {
			return err
		}
		b.Filter = plain(filter)
		return nil
	}
	if json.Unmarshal(o[0].Value, &b.IDs) != nil {
		b.IDs = nil
	}
	_, err := f.ids(b.IDs)
	return err
}

// ids gives the ids of a selection, without repetitions.
func (f bulkForm) ids(texts []string) (ids []string, err error) {
	if len(texts) == 0 {
		return nil, events.Faultf(events.Invalid, "select.ids", "must be a list of ids")
	}
	if len(texts) > maxIDs {
		return nil, events.Faultf(events.Invalid, "select.ids", "has %d ids; at most %d are allowed: use a filter", len(texts), maxIDs)
	}
	seen := map[string]bool{}
	for _, text := range texts {
		id, ok := f.id(text)
		if !ok {
			return nil, events.Faultf(events.Invalid, "select.ids", "%q is no id", wire.ShortKey(text))
		}
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// plain gives a filter by the keys that a list has.
func plain(filter url.Values) url.Values {
	values := url.Values{}
	for key := range filter {
		values.Set(strings.TrimPrefix(key, filterField+"."), filter.Get(key))
	}
	return values
}

// placed gives a filter by the keys that it has in a body.
func placed(filter url.Values) url.Values {
	values := url.Values{}
	for key := range filter {
		values.Set(filterField+"."+key, filter.Get(key))
	}
	return values
}

// selection is what is selected.
type selection struct {
	items []events.BulkItem
	names []string
}

// Named is one of the first things of a selection.
type Named struct {
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
func (c selection) first() []Named {
	list := []Named{} // never null
	for i, item := range c.items[:min(len(c.items), shownFirst)] {
		list = append(list, Named{item.ID, c.names[i]})
	}
	return list
}

// BulkAnswer is how many things are selected, or the action that has begun with them.
type BulkAnswer struct {
	Count int     `json:"count"`
	First []Named `json:"first"`
	Begun *Bulk   `json:"-"` // nil: they were counted
}

// answerBulk serves a call for an action on many things.
func (a *API) answerBulk(f bulkForm, do func(context.Context, change.Caller, BulkRequest) (BulkAnswer, error)) wire.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		b, err := f.read(r)
		if err != nil {
			return err
		}
		answer, err := do(r.Context(), a.Caller(r), b)
		switch {
		case err != nil:
			return err
		case answer.Begun != nil:
			wire.Write(w, http.StatusAccepted, answer.Begun)
		default:
			wire.Write(w, http.StatusOK, answer)
		}
		return nil
	}
}

// beginBulk counts a selection, or has the action begin.
func (a *API) beginBulk(ctx context.Context, who change.Caller, f bulkForm, b BulkRequest, c selection) (BulkAnswer, error) {
	if b.Expect == nil {
		return BulkAnswer{Count: len(c.items), First: c.first()}, nil
	}
	if *b.Expect != len(c.items) {
		return BulkAnswer{}, wire.Refuse(http.StatusConflict, events.Conflict, "expect", "is %d, and %d are selected now: nothing was done", *b.Expect, len(c.items))
	}
	token := who.ID
	if who.Parent != "" { // who signs out ends his session, and not what he has begun
		token = who.Parent
	}
	begun, err := a.Bulks.Begin(ctx, events.Bulk{
		ID: f.idOf(who, b.Key), Of: f.of, Action: b.Action, By: who.Owner, From: who.From, Role: who.Role, Paths: who.Paths, TokenID: token,
		Reason: b.Terms.Reason, Until: b.Terms.Until,
	}, c.items)
	if err != nil {
		return BulkAnswer{}, err
	}
	return BulkAnswer{Begun: new(showBulk(begun))}, nil
}

// begunBefore tells how the action stands of a request that was sent before under the same key.
func (a *API) begunBefore(ctx context.Context, who change.Caller, f bulkForm, b BulkRequest) (answer BulkAnswer, err error) {
	if fault := f.knows(b.Action); fault != "" {
		return answer, events.Faultf(events.Invalid, "action", "%s", fault)
	}
	if b.Expect == nil || b.Key == "" {
		return answer, nil
	}
	begun, seq, err := a.Bus.Bulk(ctx, f.idOf(who, b.Key))
	if err == nil && seq != 0 {
		answer.Begun = new(showBulk(begun))
	}
	return answer, err
}

// Bulk is how far an action on many things is.
type Bulk struct {
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

func showBulk(b events.Bulk) Bulk {
	return Bulk{
		ID: b.ID, Of: b.Of, Action: b.Action, State: b.State, Count: b.Count, Done: b.Done,
		Failed: append([]events.BulkFailure{}, b.Failed...), Fails: b.Fails, By: b.By, Started: b.Started.UTC(), Ended: b.Ended.UTC(),
		Reason: b.Reason, Until: b.Until.UTC(), Message: b.Message,
	}
}

func (a *API) getBulk(w http.ResponseWriter, r *http.Request) error {
	if q := wire.ReadQuery(r); q.Err() != nil {
		return q.Err()
	}
	b, err := a.GetBulk(r.Context(), a.Caller(r), mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	wire.Write(w, http.StatusOK, b)
	return nil
}

// GetBulk tells how far an action on many things is.
func (a *API) GetBulk(ctx context.Context, who change.Caller, text string) (Bulk, error) {
	none := events.Faultf(events.NotFound, "id", "no such action, or it is older than 30 days")
	id := strings.ToLower(text)
	if uuid.Validate(id) != nil || len(id) != len(uuid.Nil.String()) {
		return Bulk{}, none
	}
	b, seq, err := a.Bus.Bulk(ctx, id)
	if err != nil {
		return Bulk{}, err
	}
	if seq == 0 || !who.MaySee(b.By) {
		return Bulk{}, none
	}
	return showBulk(b), nil
}
