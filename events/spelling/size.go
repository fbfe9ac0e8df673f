package spelling

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// sizes are the units of a size, in small letters. A letter alone is a power of
// 1024, as in GNU's programs, systemd and Kubernetes' Ki; with a B it is one of 1000.
var sizes = map[string]int64{
	"": 1, "b": 1, "byte": 1, "bytes": 1,
	"k": 1 << 10, "ki": 1 << 10, "kib": 1 << 10, "kb": 1e3,
	"m": 1 << 20, "mi": 1 << 20, "mib": 1 << 20, "mb": 1e6,
	"g": 1 << 30, "gi": 1 << 30, "gib": 1 << 30, "gb": 1e9,
	"t": 1 << 40, "ti": 1 << 40, "tib": 1 << 40, "tb": 1e12,
}

// SizeForm says how a size is written.
const SizeForm = "512MiB, 10GB or 10G (K, M, G, T count by 1024, as KiB, MiB, GiB, TiB do; KB, MB, GB, TB by 1000)"

// maxSize is what a size may be: the sum of a few is still a number.
const maxSize = 1 << 60

// Size reads a number of bytes as people write it: 1000000, 512MiB, 10GB, 1.5 g.
// Fractions of a byte are left out.
func Size(text string) (int64, error) {
	number, unit := split(strings.TrimSpace(text))
	by, known := sizes[strings.ToLower(unit)]
	if !known || !plain(number) {
		return 0, fmt.Errorf("%q is not a size: write bytes, or %s", text, SizeForm)
	}
	n, ok := times(number, by, maxSize)
	if !ok {
		return 0, fmt.Errorf("%q is more than any disk has: write at most 1048576T", text)
	}
	return n, nil
}

// FormatSize writes a number of bytes with the largest unit that divides it.
func FormatSize(n int64) string {
	for _, u := range []string{"TiB", "GiB", "MiB", "KiB"} {
		if by := sizes[strings.ToLower(u)]; n != 0 && n%by == 0 {
			return strconv.FormatInt(n/by, 10) + u
		}
	}
	return strconv.FormatInt(n, 10)
}

// split takes a number off the front of what follows it.
func split(text string) (number, rest string) {
	end := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if end < 0 {
		return text, ""
	}
	return text[:end], strings.TrimSpace(text[end:])
}

// plain reports whether a number has digits, at most 20 of them, and at most one point.
func plain(number string) bool {
	return len(number) <= 20 && strings.Trim(number, ".") != "" && strings.Count(number, ".") <= 1
}

// times multiplies a plain number, and leaves out the fraction.
func times(number string, by, limit int64) (n int64, ok bool) {
	r, ok := new(big.Rat).SetString(number)
	if !ok {
		return 0, false
	}
	r.Mul(r, new(big.Rat).SetInt64(by))
	whole := new(big.Int).Quo(r.Num(), r.Denom())
	return whole.Int64(), whole.Cmp(big.NewInt(limit)) <= 0
}
