package wire

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// PageToken names the last entry that was shown: by a number, and of jobs by an id
// behind it. It stays good when that entry is deleted.
func PageToken[N ~int64 | ~uint64](number N, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(int64(number), 10) + "." + id))
}

// ParsePageToken reads a [PageToken]; an empty one is the beginning.
func ParsePageToken(s string) (number int64, id string, ok bool) {
	if s == "" {
		return 0, "", true
	}
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return 0, "", false
	}
	text, id, _ := strings.Cut(string(raw), ".")
	number, err = strconv.ParseInt(text, 10, 64)
	return number, id, err == nil
}
