// Command bundle joins the modules of the dashboard into the one script that its pages
// load: bundle gateway/ui/modules/main.js >gateway/ui/assets/spool.js.
//
// What it writes depends on the modules and on the version of esbuild alone.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: bundle MODULE")
		os.Exit(2)
	}
	script, err := bundle(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1)
	}
	_, _ = os.Stdout.Write(script)
}

// bundle joins a module and what it imports.
func bundle(path string) ([]byte, error) {
	result := api.Build(api.BuildOptions{
		EntryPoints:       []string{path},
		Bundle:            true,
		Format:            api.FormatESModule,
		Target:            api.ES2022,
		Charset:           api.CharsetUTF8,
		LegalComments:     api.LegalCommentsNone,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		Write:             false,
	})
	if faults := append(result.Errors, result.Warnings...); len(faults) > 0 {
		return nil, fmt.Errorf("%s", strings.Join(api.FormatMessages(faults, api.FormatMessagesOptions{}), ""))
	}
	return result.OutputFiles[0].Contents, nil
}
