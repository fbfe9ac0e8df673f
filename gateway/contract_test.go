package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/gateway"
)

// spec is openapi.yaml.
var spec = sync.OnceValues(func() (*openapi3.T, error) {
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(context.Background())
})

// contract holds every answer that goes through it against openapi.yaml.
type contract struct {
	t     testing.TB
	next  http.Handler
	doc   *openapi3.T
	paths *mux.Router
	said  atomic.Int32 // a fault in what is asked all the time is said a few times only
}

func underContract(t testing.TB, next http.Handler) http.Handler {
	t.Helper()
	if _, measured := t.(*testing.B); measured {
		return next
	}
	doc, err := spec()
	if err != nil {
		t.Fatal(err)
	}
	c := &contract{t: t, next: next, doc: doc, paths: mux.NewRouter().SkipClean(true)}
	all := slices.Collect(maps.Keys(doc.Paths.Map()))
	slices.SortFunc(all, func(x, y string) int { // jobs/bulk before jobs/{job_id}
		return strings.Count(x, "{") - strings.Count(y, "{")
	})
	for _, path := range all {
		c.paths.Path(strings.Replace(path, "{path}", "{path:(?s:.+)}", 1)).Name(path)
	}
	return c
}

func (c *contract) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := &copied{ResponseWriter: w}
	c.next.ServeHTTP(rec, r) // when it panics the answer is broken off, and none
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	err := c.check(r, rec)
	switch {
	case err == nil:
	case c.said.Add(1) > 3:
		c.t.Fail()
	default:
		c.t.Errorf("%s %s: the answer is not as openapi.yaml has it: %.1500s\n%d %v\n%.500s",
			r.Method, r.URL.Path, err, rec.status, w.Header(), rec.body.Bytes())
	}
}

func (c *contract) check(r *http.Request, rec *copied) error {
	if !strings.HasPrefix(r.URL.Path, "/api/") {
		return nil
	}
	var match mux.RouteMatch
	if !c.paths.Match(r, &match) {
		return nil // another spelling of a path, or none: other tests look at these
	}
	path := match.Route.GetName()
	item := c.doc.Paths.Value(path)
	op := item.GetOperation(r.Method)
	if r.Method == http.MethodHead && op == nil {
		op = item.Get
	}
	switch {
	case op == nil && rec.status == http.StatusMethodNotAllowed:
		return nil
	case op == nil:
		return fmt.Errorf("it has no %s", r.Method)
	case rec.status == http.StatusOK && slices.Contains(op.Tags, "Flow v1"):
		return nil // of a stand-in for the runner
	case rec.status == http.StatusAccepted && rec.body.Len() == 0 && rec.Header().Get("Content-Type") == "":
		return nil // OpenAPI has no word for a body that may be left out
	}
	kind, _, _ := strings.Cut(rec.Header().Get("Content-Type"), ";")
	return openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: r, PathParams: match.Vars,
			Route: &routers.Route{Spec: c.doc, Path: path, PathItem: item, Method: r.Method, Operation: op},
		},
		Status: rec.status, Header: rec.Header(), Body: io.NopCloser(&rec.body),
		Options: &openapi3filter.Options{
			IncludeResponseStatus: true,
			ExcludeResponseBody:   rec.large || !strings.HasSuffix(kind, "json") && rec.body.Len() > 0,
		},
	})
}

// copied remembers an answer.
type copied struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
	large  bool // the body is longer than is remembered
}

func (w *copied) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *copied) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if w.large = w.large || w.body.Len()+len(p) > 1<<20; !w.large {
		w.body.Write(p)
	}
	return w.ResponseWriter.Write(p)
}

func (w *copied) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Every route of the router is in openapi.yaml, and the other way round. The
// runner's are mounted by others.
func TestContractIsComplete(t *testing.T) {
	doc, err := spec()
	if err != nil {
		t.Fatal(err)
	}
	var written, routed []string
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			written = append(written, method+" "+path)
		}
	}
	pattern := regexp.MustCompile(`\{(\w+):[^}]*\}`)
	newDriveHarness(t, withConfig(func(c *gateway.Config) {
		c.Mount = func(r *mux.Router) {
			none := func(http.ResponseWriter, *http.Request) {}
			r.HandleFunc(events.RunBinaryPath, none).Methods(http.MethodPost)
			r.HandleFunc("/api/v1/jobs/status", none).Methods(http.MethodGet)
			r.HandleFunc("/api/v1/jobs/cancel", none).Methods(http.MethodPost)
			err := r.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
				path, err := route.GetPathTemplate()
				if err != nil {
					return err
				}
				methods, err := route.GetMethods()
				for _, method := range methods {
					if strings.HasPrefix(path, "/api/") {
						routed = append(routed, method+" "+pattern.ReplaceAllString(path, "{$1}"))
					}
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
	}))
	slices.Sort(written)
	slices.Sort(routed)
	if diff := cmp.Diff(routed, written); diff != "" {
		t.Errorf("-routed +written:\n%s", diff)
	}
}
