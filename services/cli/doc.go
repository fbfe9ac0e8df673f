// Package cli is the command line of a running server: spool NOUN VERB, one file for each
// noun, over the calls of gateway/client. The commands that start a server, or work on the
// data folder of a stopped one, are in services/cmd/spool.
//
// A command is made by [verb], which gives it the flags that all have, and a [session]:
// the server, what is printed, and the person who is asked.
//
// # Guarantees
//
//   - Address and token come from one source: what the person said (--url, --token-file
//     or their variables), a context, or a data folder of the caller's own whose server
//     runs. A token of a context, a file or a variable goes to no address that was found
//     in a folder. A token is never an argument.
//   - Exit statuses are those of [Done] to [Partly], also for wrong usage.
//   - -o json prints what the API answers, [] when a list is empty; errors go to stderr,
//     as a problem with exit_code.
//   - What others wrote (names, errors, logs) reaches a terminal without control characters.
//   - Nothing is deleted or changed in numbers before the person has seen how many and
//     which, or has given --yes.
//
// In:  the API of a server, over HTTP.
// Out: the same. It is not on NATS.
package cli
