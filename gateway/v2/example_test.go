package v2_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/v2"
)

// Nothing is stored by a preview, so that it needs neither a broker nor jobs.
func Example() {
	router := mux.NewRouter()
	v2.New(v2.Config{
		Log: slog.Default(),
		Caller: func(*http.Request) change.Caller {
			return change.Caller{Token: events.Token{Owner: "ann", Role: events.Viewer}}
		},
	}).Routes(router)
	for _, body := range []string{
		`{"schedule":"30 2 * * *","timezone":"Europe/Berlin","count":1,"from":"2026-10-24T00:00:00Z"}`,
		`{"shedule":"@daily"}`,
	} {
		w := httptest.NewRecorder()
		router.ServeHTTP(w, httptest.NewRequest(http.MethodPost, v2.Prefix+"schedule/preview", strings.NewReader(body)))
		fmt.Println(w.Code, w.Header().Get("Content-Type"), strings.Contains(w.Body.String(), "did you mean"))
	}
	// Output:
	// 200 application/json false
	// 400 application/problem+json true
}
