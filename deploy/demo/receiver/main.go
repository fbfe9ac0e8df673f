// Command receiver prints the webhooks that Spool sends:
//
//	receiver [spool-data/webhook.secret] [127.0.0.1:9000]
//
// It prints each once, and only if its signature is valid and at most five minutes
// old. The library compares signatures in constant time, and checks the timestamp.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

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
	// With two secrets in the file Spool signs with both; one is enough.
	first, _, _ := strings.Cut(strings.TrimSpace(string(secret)), "\n")
	signature, err := standardwebhooks.NewWebhook(first)
	if err != nil {
		log.Fatal(err)
	}
	var seen sync.Map // a receiver of your own keeps the ids where it keeps its work
	http.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil || signature.Verify(body, r.Header) != nil {
			http.Error(w, "not from Spool", http.StatusUnauthorized)
			return
		}
		if _, again := seen.LoadOrStore(r.Header.Get("webhook-id"), true); !again { // the second time is a success, too
			fmt.Println(string(body))
		}
	})
	server := &http.Server{Addr: args[1], ReadTimeout: 30 * time.Second} // nobody holds a connection for ever
	log.Fatal(server.ListenAndServe())
}
