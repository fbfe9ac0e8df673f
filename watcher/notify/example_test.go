package notify_test

import (
	"fmt"

	"spool.internal/watcher/notify"
)

// A buffer keeps what was reported until a worker takes it.
func ExampleBuffer() {
	var b notify.Buffer
	fmt.Println(b.Add("invoice.pdf", notify.Arrived)) // a worker must know
	fmt.Println(b.Add("invoice.pdf", notify.Touched)) // it knows already
	hints := b.Take()
	fmt.Println(hints.Names["invoice.pdf"] == notify.Arrived, hints.Overflowed)

	fmt.Println(b.Unwritten("invoice.pdf"))
	b.Add("invoice.pdf", notify.Written)
	fmt.Println(b.Unwritten("invoice.pdf"))
	// Output:
	// true
	// false
	// true false
	// true
	// false
}
