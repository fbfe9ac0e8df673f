package v1_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/v1"
)

// The calls answer 200 and an ERROR body to what the caller got wrong. Who calls is
// known before: the gateway's middleware has verified the token.
func Example() {
	router := mux.NewRouter()
	v1.New(v1.Config{
		Changes: &change.Jobs{Log: slog.Default()}, // and where changes go
		Log:     slog.Default(),
		Caller: func(*http.Request) change.Caller {
			return change.Caller{Token: events.Token{Owner: "ann", Role: events.Operator}, From: "192.0.2.7"}
		},
	}).Routes(router)
	w := httptest.NewRecorder()
	router.ServeHTTP(w, httptest.NewRequest(http.MethodPost, v1.Prefix+"enable_job", strings.NewReader(`{"job_id": 7}`)))
	fmt.Print(w.Code, " ", w.Body)
	// Output: 200 {"status":"ERROR","msg":"job_id: must be a string"}
}
