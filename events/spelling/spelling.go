// Package spelling reads what people write: sizes, durations, and the word that
// somebody may have meant. It is pure.
package spelling

// Nearest gives the candidate that is at most two edits from key, or "".
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
