package main

// exit is an error that ends the program with a status of its own: 2 wrong arguments, 3
// there is no such thing.
type exit struct {
	code int
	error
}

func (e exit) Unwrap() error { return e.error }
