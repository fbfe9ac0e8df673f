// Command rules checks files of Prometheus rules as Prometheus does when it loads them.
//
//	rules FILE…
package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

func main() {
	failed := len(os.Args) < 2
	for _, file := range os.Args[1:] {
		groups, faults := rulefmt.ParseFile(file, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
		for _, fault := range faults {
			fmt.Fprintf(os.Stderr, "%s: %v\n", file, fault)
			failed = true
		}
		if groups == nil {
			continue
		}
		n := 0
		for _, g := range groups.Groups {
			n += len(g.Rules)
		}
		fmt.Printf("  %s: %d rules\n", file, n)
	}
	if failed {
		os.Exit(1)
	}
}
