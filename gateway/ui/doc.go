// In:  nothing; pages read by the functions of gateway/v2
// Out: nothing; actions go by the functions of gateway/v2
//
// Package ui serves the pages that people open: the dashboard. Whatever a page shows or
// does goes through the same Go functions as a call of the native API; nothing here knows
// a rule of its own.
//
//	u := ui.New(ui.Config{API: native})
//	u.Routes(router) // behind the middleware of the gateway, which authenticates
//
// # How a page is made
//
// A page is a row in a func such as overviewPages: its path, the name of its template, and
// a func that reads the data. routes.go joins them. The template is in templates/NAME.html
// and defines "NAME"; its dot is what the func gave. It is put into "layout" (the bar, who
// asks, where the stream begins), or alone when the request names cells.
//
//	func (u *UI) jobsPages() []page {
//		return []page{{path: "/jobs", template: "jobs", nav: "Jobs", view: u.viewJobs}}
//	}
//	func (u *UI) viewJobs(c *call) (any, error) { return u.api.ListJobs(c.Context(), c.who, c.query) }
//
// An action is a row likewise: POST alone, its func gives where to go next, and a note. A
// form that is refused is shown again: give &refused{page, data}, whose data has faults.
// Without a may, a page is for everybody who is let in, and an action for who may write.
//
// To add a page: a file of Go, a template, a line in routes.go; styles in styles/NAME.css
// when a component is new, a module in modules when there is something to be live.
//
// # What templates may use
//
//	{{template "outcome" .Outcome}}             mark and word of an outcome, a state, a verdict
//	{{template "mark" "failed"}}                the mark alone; say the word beside it
//	{{template "time" (at .When .Zone)}}        Tue 24 Nov 02:30 CET; zone: name, location or nil
//	{{template "time" (second .When .Zone)}}    the same to the second
//	{{template "rel" (rel .When)}}              in 11 h 27 min; 3 min ago
//	{{template "duration" .DurationMS}}         4 min; from *int64, int64 (ms) or a duration
//	{{template "spark" (spark .Bars)}}          bars of the last runs, []bar
//	{{template "sentence" .Why}}                a sentence that says why
//	{{template "pager" .Pager}}                 from c.pager(next page token, shown)
//	{{template "empty" .Empty}}                 a list without rows: noneYet, noMatch, partAway, readOnly
//	{{template "summary" .Faults}}              what is wrong with a form, on top of it; faultsOf(err)
//	{{template "field" .Field}}                 label, control, hint and fault of one field
//	{{template "note" .Note}}                   what an action did
//	{{template "key" .Key}}                     the hidden key of a form that starts something: c.key()
//	{{number 1204}} {{plural 3 "job"}}          1,204 and "3 jobs"
//
// c.query has the query; c.pass() is the same for a call of v2, with after as its
// page_token. c.id("id") is a part of the path, c.form("name") what was typed, c.mayWrite()
// whether controls are shown. After ?did=ID, of a job or an execution, the frame tells what
// was done with it. To a module (header Spool-Note) an action answers with its note alone,
// or with 204 and Spool-Next; a fault is a note, too.
//
// A cell that follows events is an element with data-cell="JOB_ID/name", or "all/name"; a
// page whose c.cells is not nil may leave out all others.
//
// # Guarantees
//
//   - GET changes nothing. Whatever changes something is a POST, which no page of another
//     origin can send with the session of a browser.
//   - Nothing that somebody wrote becomes markup: html/template escapes it, no
//     template.HTML, and a policy lets no script run that is not ours.
//   - No page is kept by a cache; what is under /assets/ is kept for a year by its hash.
//   - A redirect leads to a page of this server.
package ui
