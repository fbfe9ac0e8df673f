package wait_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"spool.internal/events/wait"
)

func Example() {
	ctx, calls := context.Background(), 0
	try := func() error {
		if calls++; calls < 3 {
			return errors.New("not yet")
		}
		return nil
	}
	for retry := (wait.Backoff{First: time.Millisecond, Last: time.Second}); ; {
		err := try()
		if err == nil {
			break
		}
		if err := retry.Wait(ctx); err != nil {
			fmt.Println(err) // ctx has ended
			return
		}
	}
	fmt.Println(calls, "calls")
	// Output:
	// 3 calls
}

// Any number of Sets before the receiver looks are one.
func ExampleWake() {
	work := wait.NewWake()
	work.Set()
	work.Set()
	<-work
	select {
	case <-work:
		fmt.Println("woken twice")
	default:
		fmt.Println("woken once")
	}
	// Output:
	// woken once
}

func ExampleSleep() {
	ctx, stop := context.WithCancelCause(context.Background())
	stop(errors.New("the server stops"))
	fmt.Println(wait.Sleep(ctx, time.Hour))
	// Output:
	// the server stops
}
