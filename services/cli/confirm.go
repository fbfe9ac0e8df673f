package cli

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// consent is the flag that answers the question before it is asked.
type consent struct{ yes bool }

func (c *consent) declare(f *pflag.FlagSet) {
	f.BoolVar(&c.yes, "yes", false, "do it without asking")
}

// shownFirst is how many of the things are shown before a person is asked.
const shownFirst = 5

// agree shows how many things it is about and the first five, and asks; action is what is to
// be done, such as "Delete 12 jobs". Without a terminal nobody can be asked.
func (c *consent) agree(s *session, action string, total int, first []string) error {
	fmt.Fprintf(s.err, "%s:\n", clean(action))
	for i, one := range first {
		if i == shownFirst {
			break
		}
		fmt.Fprintf(s.err, "  %s\n", clean(one))
	}
	if more := total - min(shownFirst, len(first)); more > 0 {
		fmt.Fprintf(s.err, "  … and %d more\n", more)
	}
	if c.yes {
		return nil
	}
	return ask(s.in, s.err, action+"?")
}

// ask asks the person at the terminal.
func ask(in io.Reader, w io.Writer, question string) error {
	if !isTerminal(in) {
		return misused("nothing was done, because there is no terminal to ask at: give --yes")
	}
	fmt.Fprint(w, clean(question), " [y/N] ")
	answer, _ := bufio.NewReader(in).ReadString('\n') // no answer is no
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return failure(Failed, "nothing was done")
	}
	return nil
}
