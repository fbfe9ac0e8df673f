package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"

	"spool.internal/events"
)

// zooFlow ends this process when it is to be a flow of the zoo, started as
// "… zoo-flow URL INPUT OUTPUT": it has the endpoint of the test look into its
// input folder, and lasts until that has answered.
func zooFlow() {
	if len(os.Args) != 5 || os.Args[1] != "zoo-flow" {
		return
	}
	resp, err := http.Post(os.Args[2], "application/json", bytes.NewReader(events.Encode(map[string]string{"input_dir": os.Args[3]})))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	text, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		fmt.Fprintf(os.Stderr, "%s %s\n", resp.Status, text)
		os.Exit(1)
	}
	os.Exit(0)
}
