package main

// exit is an error that ends the program with a code of its own: 2 it was asked for
// in a wrong way, 3 there is no such thing.
type exit struct {
	code int
	error
}

func (e exit) Unwrap() error { return e.error }
