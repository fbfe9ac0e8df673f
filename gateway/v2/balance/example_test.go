package balance_test

import (
	"fmt"
	"time"

	"spool.internal/gateway/v2/balance"
)

func ExampleBooks_DayOf() {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	day, err := balance.Books{Zone: berlin}.DayOf("2026-10-25") // the clocks go back
	fmt.Println(day.To.Sub(day.From), err)
	// Output: 25h0m0s <nil>
}

func ExampleSum_Text() {
	s := balance.Sum{Total: 3, Counts: []balance.Count{{Is: balance.Failed, Count: 1}, {Is: balance.OK, Count: 2}}}
	fmt.Println(s.Text())
	// Output: 3: 1 failed, 2 ok
}
