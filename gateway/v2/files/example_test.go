package files_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/gateway/v2/files"
)

// A file is dropped into a folder of a drive, and read.
func ExampleAPI() {
	base, err := os.MkdirTemp("", "drives")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(base)
	drives, err := drive.New(base, nil)
	if err != nil {
		panic(err)
	}
	router := mux.NewRouter()
	files.New(files.Config{
		Drives: drives, Log: slog.New(slog.DiscardHandler),
		Token: func(*http.Request) events.Token {
			return events.Token{Owner: "ann", Role: events.Operator, Paths: []string{"ann/"}}
		},
	}).Routes(router)
	server := httptest.NewServer(router)
	defer server.Close()

	put, _ := http.NewRequest(http.MethodPut, server.URL+files.Prefix+"ann/repo/fs/Home/in/a.txt", strings.NewReader("hello"))
	resp, err := http.DefaultClient.Do(put)
	if err != nil {
		panic(err)
	}
	resp.Body.Close()
	fmt.Println(resp.Status)

	resp, err = http.Get(server.URL + files.Prefix + "ann/repo/fs/Home/in/a.txt")
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.Status, string(text))
	// Output:
	// 204 No Content
	// 200 OK hello
}
