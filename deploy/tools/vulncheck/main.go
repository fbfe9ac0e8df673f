// Command vulncheck runs govulncheck over modules, if its database can be
// reached, and says so if not: vulncheck [-db URL] GOVULNCHECK MODULE_FOLDER….
package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

func main() {
	db := flag.String("db", "https://vuln.go.dev", "database of vulnerabilities, http, https or file")
	flag.Parse()
	if flag.NArg() < 2 {
		fmt.Fprintln(os.Stderr, "usage: vulncheck [-db URL] GOVULNCHECK MODULE_FOLDER…")
		os.Exit(2)
	}
	if err := reach(*db); err != nil {
		fmt.Printf("govulncheck: NOT RUN, %s cannot be reached: %v\n", *db, err)
		return
	}
	failed := false
	for _, module := range flag.Args()[1:] {
		fmt.Println("govulncheck", module)
		cmd := exec.Command(flag.Arg(0), "-C", module, "-db", *db, "./...")
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			fmt.Fprintf(os.Stderr, "govulncheck %s: %v\n", module, err)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}

// reach asks for the smallest document of a database.
func reach(db string) error {
	if dir, ok := strings.CutPrefix(db, "file://"); ok {
		_, err := os.Stat(dir + "/index/db.json")
		return err
	}
	client := &http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get(strings.TrimSuffix(db, "/") + "/index/db.json")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", resp.Status)
	}
	return nil
}
