package scrub_test

import (
	"fmt"
	"os"

	"spool.internal/events/scrub"
)

func Example() {
	s := scrub.New("correct horse battery")
	fmt.Println(s.Text(`{"error":"unknown key correct horse battery"}`))

	// A stream may cut a secret in two.
	w := s.Writer(os.Stdout)
	for _, part := range []string{"unknown key correct hor", "se battery\n"} {
		if _, err := w.Write([]byte(part)); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Print(w.Flush())
	// Output:
	// {"error":"unknown key ********"}
	// unknown key ********
	// <nil>
}
