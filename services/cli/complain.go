package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// Complaint is an error of the program.
type Complaint struct {
	Root  *cobra.Command
	Args  []string // of the program
	Err   error
	Lines []string // a line for each fault
	Exit  int      // its exit status
}

// Complain prints an error as the person asked for it: a line for each fault, or a problem
// with exit_code under -o json.
func Complain(w io.Writer, c Complaint) {
	e, ours := errors.AsType[*Error](c.Err)
	if ours && e.Silent {
		return
	}
	if !wantsJSON(c.Root, c.Args) {
		for _, line := range c.Lines {
			fmt.Fprintln(w, "spool:", clean(line))
		}
		return
	}
	problem := map[string]any{}
	if ours && e.Problem != nil {
		decoder := json.NewDecoder(bytes.NewReader(e.Problem))
		decoder.UseNumber()
		if decoder.Decode(&problem) != nil {
			problem = map[string]any{}
		}
	}
	if len(problem) == 0 {
		text := strings.Join(c.Lines, "; ")
		problem = map[string]any{"type": "about:blank", "title": titles[c.Exit], "detail": text, "message": text}
	}
	if ours {
		maps.Copy(problem, e.Facts)
	}
	problem["exit_code"] = c.Exit
	text, fault := json.MarshalIndent(problem, "", "  ")
	if fault != nil { // cannot be: it is made of what was decoded
		text = []byte(fault.Error())
	}
	fmt.Fprintf(w, "%s\n", cleanJSON(text))
}

var titles = map[int]string{
	Failed: "Failed", Misused: "Wrong usage", NotFound: "Not found", Refused: "Refused", Unauthorized: "Not allowed",
	RunFailed: "The run failed", TimedOut: "Timed out", Partly: "Partly done",
}

// wantsJSON reports whether the arguments ask for JSON. They are read by hand, since they
// may be what is wrong.
func wantsJSON(root *cobra.Command, args []string) bool {
	cmd, given, err := root.Find(args)
	if err != nil || cmd.Flags().Lookup("output") == nil {
		return false
	}
	short := cmd.Flags().ShorthandLookup("o")
	shown := os.Getenv("SPOOL_OUTPUT")
	for i, arg := range given {
		if arg == "--" {
			break
		}
		switch value, long := strings.CutPrefix(arg, "--output="); {
		case long:
			shown = value
		case arg == "--output" || arg == "-o" && short != nil && short.Name == "output":
			if i+1 < len(given) {
				shown = given[i+1]
			}
		case short != nil && short.Name == "output" && strings.HasPrefix(arg, "-o") && len(arg) > 2:
			shown = strings.TrimPrefix(arg[2:], "=")
		}
	}
	return shown == "json"
}
