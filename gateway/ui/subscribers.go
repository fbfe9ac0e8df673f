package ui

import (
	"net/url"
	"strings"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/v2"
)

func (u *UI) subscriberPages() []page {
	return []page{{path: "/subscribers", template: "subscribers", title: "Subscribers", may: events.Token.MayAdminister, view: u.viewSubscribers}}
}

func (u *UI) subscriberActions() []action {
	return []action{
		{path: "/subscribers", may: events.Token.MayAdminister, do: u.makeSubscriber},
		{path: "/subscribers/{subscriber}/revoke", may: events.Token.MayAdminister, do: u.revokeSubscriber},
	}
}

// subscribers is the page of the programs that react to events.
type subscribers struct {
	Rows   []v2.Subscriber
	Faults faults
	Fields []field
	Made   *secretMade
	Asked  string // the name of the one that is about to be revoked
	None   *emptyList
}

func (u *UI) viewSubscribers(c *call) (any, error) { return u.subscribersWith(c, url.Values{}, nil) }

func (u *UI) subscribersWith(c *call, typed url.Values, all faults) (*subscribers, error) {
	list, err := u.api.ListSubscribers(c.Context())
	if err != nil {
		return nil, err
	}
	p := &subscribers{Rows: list.Subscribers, Faults: all, Fields: subscriberFields(typed, all)}
	if len(p.Rows) == 0 {
		p.None = noneYet("No subscribers yet. One is a program of yours that reads events over NATS.")
	}
	return p, nil
}

func subscriberFields(typed url.Values, all faults) []field {
	var streams []option
	for name, tells := range jet.PublicStreams() {
		streams = append(streams, option{Value: name, Text: name + ": " + tells})
	}
	return typedInto([]field{
		{Name: "name", Label: "Name", Required: true},
		{Name: "stream", Label: "Stream", Type: "select", Required: true, Options: streams},
		{Name: "job_id", Label: "Only of this job", Hint: "Its id. Empty: of all jobs."},
		{Name: "filter", Label: "Filter", Hint: "Subjects of the stream. Empty: all."},
		{Name: "expires", Label: "Ends", Hint: "In so long, as 90d, or at a time. Empty: never."},
		{Name: "may_trigger", Label: "It may ask for runs", Type: "checkbox"},
	}, typed, all)
}

func (u *UI) makeSubscriber(c *call) (done, error) {
	ask := v2.SubscriberRequest{
		Name: strings.TrimSpace(c.form("name")), Stream: c.form("stream"), JobID: strings.TrimSpace(c.form("job_id")), Filter: strings.TrimSpace(c.form("filter")),
		Expires: strings.TrimSpace(c.form("expires")), Trigger: c.form("may_trigger") == "true",
	}
	made, err := u.api.CreateSubscriber(c.Context(), c.who, ask)
	if err != nil {
		all, ok := formFaults(err)
		if !ok {
			return done{}, err
		}
		p, err := u.subscribersWith(c, c.r.PostForm, all)
		if err != nil {
			return done{}, err
		}
		return done{}, &refused{"subscribers", p}
	}
	p, err := u.subscribersWith(c, url.Values{}, nil)
	if err != nil { // its credentials are shown whatever else is not
		p = &subscribers{Fields: subscriberFields(url.Values{}, nil)}
	}
	p.Made = &secretMade{"Credentials of " + made.Name, made.Credentials, "/subscribers", 12}
	return done{}, &instead{"subscribers", p}
}

func (u *UI) revokeSubscriber(c *call) (done, error) {
	name := mux.Vars(c.r)["subscriber"]
	if c.form("sure") == "yes" {
		return done{Next: "/subscribers"}, u.api.RevokeSubscriber(c.Context(), c.who, name)
	}
	p, err := u.subscribersWith(c, url.Values{}, nil)
	if err != nil {
		return done{}, err
	}
	p.Asked = name
	return done{}, &instead{"subscribers", p}
}
