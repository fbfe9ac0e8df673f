package v1

import (
	"bufio"
	"context"
	"encoding/base64"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"spool.internal/events"
)

const (
	maxLimit = 1000 // jobs on a page
	ahead    = 16   // jobs whose results are read at once, and so the most that a listing holds in memory
)

func (a *API) listJobs(w http.ResponseWriter, r *http.Request) error {
	o, err := readQuery(r, "job_id", "username", "limit", "page_token")
	if err != nil {
		return err
	}
	limit, err := countOf(o, "limit", 1, maxLimit)
	if err != nil {
		return err
	}
	jobs, err := a.choose(r, o)
	if err != nil {
		return err
	}
	l := &listing{api: a, out: bufio.NewWriterSize(w, 32<<10), limit: limit}
	next, stop := iter.Pull(jobs)
	defer stop()
	first, err := l.read(r.Context(), next)
	if err != nil {
		return err // nothing is sent yet, so this can still be an answer
	}
	w.Header().Set("Content-Type", "application/json")
	if err := l.write(r.Context(), first, next); err != nil {
		a.Log.Warn("a list was broken off", "request_id", w.Header().Get(HeaderRequestID), "error", err.Error())
		panic(http.ErrAbortHandler)
	}
	return nil
}

// choose finds the jobs that a call asks for.
func (a *API) choose(r *http.Request, o events.Object) (iter.Seq[events.Job], error) {
	who := a.Caller(r)
	owner, err := ownerOf(o, who)
	if err != nil {
		return nil, err
	}
	id, err := textOf(o, "job_id")
	if err != nil {
		return nil, err
	}
	token, err := textOf(o, "page_token")
	if err != nil {
		return nil, err
	}
	createdNS, after, err := parsePageToken(token)
	if err != nil {
		return nil, err
	}
	if err := a.Jobs.Refresh(r.Context()); err != nil {
		return nil, err
	}
	if id == "" {
		return a.Jobs.Oldest(owner, createdNS, after), nil
	}
	job, ok := a.Jobs.Job(id)
	_, named := o.Get("username")
	if !ok || !mayTouch(who, job) || named && owner != "" && owner != job.Username {
		return nil, noSuchJob()
	}
	return func(yield func(events.Job) bool) { yield(job) }, nil
}

// listing writes one answer of list_jobs as its jobs are read.
type listing struct {
	api   *API
	out   *bufio.Writer
	limit int // 0 = all
	taken int
	last  events.Job // the last one taken
}

// read takes the next few jobs and gives them as JSON, with their results.
func (l *listing) read(ctx context.Context, next func() (events.Job, bool)) ([][]byte, error) {
	var jobs []events.Job
	for len(jobs) < ahead && (l.limit == 0 || l.taken < l.limit) {
		job, ok := next()
		if !ok {
			break
		}
		jobs = append(jobs, job)
		l.last, l.taken = job, l.taken+1
	}
	rows, errs := make([][]byte, len(jobs)), make([]error, len(jobs))
	var wg sync.WaitGroup
	for i, job := range jobs {
		wg.Go(func() { rows[i], errs[i] = l.api.row(ctx, job) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func (l *listing) write(ctx context.Context, rows [][]byte, next func() (events.Job, bool)) error {
	l.out.WriteString(`{"status":"OK","jobs":[`) // an error of one write is that of all later ones, and of Flush
	for comma := ""; len(rows) > 0; {
		for _, row := range rows {
			l.out.WriteString(comma)
			l.out.Write(row)
			comma = ","
		}
		if err := l.out.Flush(); err != nil {
			return err
		}
		var err error
		if rows, err = l.read(ctx, next); err != nil {
			return err
		}
	}
	l.out.WriteString("]")
	if _, more := next(); more {
		l.out.WriteString(`,"next_page_token":"` + pageToken(l.last) + `"`)
	}
	l.out.WriteString("}\n")
	return l.out.Flush()
}

// A page token is the place of the last job that was shown; it stays good when
// that job is deleted.
func pageToken(last events.Job) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(last.CreatedOnNS, 10) + "." + last.ID))
}

func parsePageToken(s string) (createdNS int64, id string, err error) {
	if s == "" {
		return 0, "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(s)
	created, id, _ := strings.Cut(string(raw), ".")
	if err == nil {
		createdNS, err = strconv.ParseInt(created, 10, 64)
	}
	if err != nil {
		return 0, "", events.Faultf(events.Invalid, "page_token", "is not a next_page_token of list_jobs")
	}
	return createdNS, id, nil
}
