package wire_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"spool.internal/events"
	"spool.internal/gateway/wire"
)

// A call reads its body, and answers; what is wrong with the body the client reads.
func ExampleCalls() {
	calls := wire.Calls{
		Token: func(*http.Request) events.Token { return events.Token{Owner: "ann", Role: events.Operator} },
		Fail:  func(w http.ResponseWriter, err error) { wire.Fail(w, slog.Default(), err) },
	}
	greet := calls.Write(func(w http.ResponseWriter, r *http.Request) error {
		in, err := wire.ReadFields(r, "name", "times")
		if err != nil {
			return err
		}
		name, times := in.Text("name"), in.Number("times", 1, 1, 9)
		if in.Err() != nil {
			return in.Err()
		}
		wire.Write(w, http.StatusOK, map[string]any{"greeted": name, "times": times})
		return nil
	})
	for _, body := range []string{`{"name":"Bob","times":2}`, `{"nmae":"Bob"}`} {
		w := httptest.NewRecorder()
		greet.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
		fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
	}
	// Output:
	// 200 {"greeted":"Bob","times":2}
	// 400 {"message":"nmae: unknown key, did you mean \"name\"?","type":"about:blank","title":"Bad Request","status":400,"detail":"unknown key, did you mean \"name\"?","field":"nmae"}
}

func ExampleReadQuery() {
	r := httptest.NewRequest(http.MethodGet, "/jobs?status=ENABLED&limit=5000", nil)
	q := wire.ReadQuery(r, "status", "limit", "page_token")
	fmt.Println(q.OneOf("status", "ENABLED", "DISABLED"))
	q.Limit(wire.DefaultLimit)
	fmt.Println(q.Err())
	// Output:
	// ENABLED
	// limit: must be a whole number from 1 to 1000
}

func ExamplePageToken() {
	token := wire.PageToken(int64(17), "a-job")
	number, id, ok := wire.ParsePageToken(token)
	fmt.Println(number, id, ok)
	// Output: 17 a-job true
}
