// Command receiver prints the webhooks that Spool sends, each once and only with
// the right signature: receiver [spool-data/webhook.secret] [127.0.0.1:9000].
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
)

func main() {
	args := append(os.Args[1:], []string{"spool-data/webhook.secret", "127.0.0.1:9000"}[len(os.Args)-1:]...)
	secret, err := os.ReadFile(args[0])
	if err != nil {
		log.Fatal(err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimSpace(string(secret)), "whsec_"))
	if err != nil {
		log.Fatal(err)
	}
	var seen sync.Map // a real receiver keeps the ids where its work is kept
	http.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		id := r.Header.Get("webhook-id")
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", id, r.Header.Get("webhook-timestamp"), body)
		right := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		if err != nil || !strings.Contains(" "+r.Header.Get("webhook-signature")+" ", " "+right+" ") {
			http.Error(w, "not from Spool", http.StatusUnauthorized)
			return
		}
		if _, again := seen.LoadOrStore(id, true); !again { // 2xx also the second time: it has been received
			fmt.Println(string(body))
		}
	})
	log.Fatal(http.ListenAndServe(args[1], nil))
}
