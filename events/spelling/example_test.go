package spelling_test

import (
	"fmt"

	"spool.internal/events/spelling"
)

func Example() {
	for _, text := range []string{"512MiB", "10GB", "10G", "1.5 g", "10 apples"} {
		n, err := spelling.Size(text)
		fmt.Println(text, "=", n, err)
	}
	for _, text := range []string{"90s", "1h30m", "2w", "90"} {
		d, err := spelling.Duration(text)
		fmt.Println(text, "=", d, err)
	}
	// Output:
	// 512MiB = 536870912 <nil>
	// 10GB = 10000000000 <nil>
	// 10G = 10737418240 <nil>
	// 1.5 g = 1610612736 <nil>
	// 10 apples = 0 "10 apples" is not a size: write bytes, or 512MiB, 10GB or 10G (K, M, G, T count by 1024, as KiB, MiB, GiB, TiB do; KB, MB, GB, TB by 1000)
	// 90s = 1m30s <nil>
	// 1h30m = 1h30m0s <nil>
	// 2w = 336h0m0s <nil>
	// 90 = 0s "90" has no unit behind 90: write 90s, 90m or 90h, for seconds, minutes or hours
}

func ExampleNearest() {
	fmt.Println(spelling.Nearest("overlpa", []string{"overlap", "retry_for", "timezone"}))
	fmt.Printf("%q\n", spelling.Nearest("colour", []string{"overlap", "retry_for", "timezone"}))
	// Output:
	// overlap
	// ""
}

func ExampleFormatSize() {
	fmt.Println(spelling.FormatSize(512<<20), spelling.FormatSize(1000))
	// Output:
	// 512MiB 1000
}
