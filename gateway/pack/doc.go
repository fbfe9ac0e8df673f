// Package pack keeps many small texts in little memory that are much alike, as jobs are.
//
// In: a text; what Pack gave.
// Out: it in fewer bytes; the text again.
//
//	s := pack.New()
//	short := s.Pack(text)      // a string, in which a collector of garbage has nothing to look for
//	text, err := s.Unpack(short)
//
// # How
//
// A text is written as what it has in common with a sample, or with its own beginning, and the rest. Samples
// are the first texts, and others that had little in common with those before: at most 16, of at most 8 KiB. A
// text of 16 KiB or more is kept as it is.
package pack
