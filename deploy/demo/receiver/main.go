// Command receiver prints the webhooks that Spool sends, each once and only with a
// valid signature that is at most five minutes old:
// receiver [spool-data/webhook.secret] [127.0.0.1:9000].
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func main() {
	if len(os.Args) > 3 {
		fmt.Fprintln(os.Stderr, "usage: receiver [spool-data/webhook.secret] [127.0.0.1:9000]")
		os.Exit(2)
	}
	args := append(os.Args[1:], []string{"spool-data/webhook.secret", "127.0.0.1:9000"}[len(os.Args)-1:]...)
	secret, err := os.ReadFile(args[0])
	if err != nil {
		log.Fatal(err)
	}
	// With two secrets in the file everything is signed with both; one is enough.
	first, _, _ := strings.Cut(strings.TrimSpace(string(secret)), "\n")
	signature, err := standardwebhooks.NewWebhook(first)
	if err != nil {
		log.Fatal(err)
	}
	var seen sync.Map // a real receiver keeps the ids where its work is kept
	http.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil || signature.Verify(body, r.Header) != nil {
			http.Error(w, "not from Spool", http.StatusUnauthorized)
			return
		}
		if _, again := seen.LoadOrStore(r.Header.Get("webhook-id"), true); !again { // 2xx also the second time: it has been received
			fmt.Println(string(body))
		}
	})
	log.Fatal(http.ListenAndServe(args[1], nil))
}
