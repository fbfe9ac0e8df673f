package cli

import (
	"encoding/json"
	"iter"
	"net/http"
)

// firstPage lists what is under a key of an answer, or of the first page of a list.
func firstPage[T any](key string, fetch func(token *string, most int) (*http.Response, error)) iter.Seq2[row[T], error] {
	return func(yield func(row[T], error) bool) {
		got, err := read[map[string]json.RawMessage](fetch(nil, 1))
		var rows []json.RawMessage
		if err == nil && got.value[key] != nil {
			err = decode(got.value[key], &rows)
		}
		if err != nil {
			yield(row[T]{}, err)
			return
		}
		for _, raw := range rows {
			one := row[T]{raw: raw}
			if err := decode(raw, &one.value); !yield(one, err) || err != nil {
				return
			}
		}
	}
}
