// Package spelling reads what people write in flags, profiles and jobs: sizes,
// durations, and the word that they may have meant.
//
//	n, err := spelling.Size("512MiB")       // also 10GB, 10G, 1.5 g, 1000000
//	d, err := spelling.Duration("1h30m")    // also 90s, 7d, 2w
//	word := spelling.Nearest("overlpa", keys)
//
// Errors name what was written and show the right form. Everything here is pure.
package spelling

// Nearest returns the candidate that is at most two edits away from key, or "".
func Nearest(key string, candidates []string) string {
	best, least := "", 3
	for _, c := range candidates {
		if len(key) > len(c)+8 { // even of four-byte runes more than two are too many
			continue
		}
		if d := distance([]rune(key), []rune(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two words.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
