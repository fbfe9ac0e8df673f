// Package wire is what all HTTP APIs of Spool have in common: how a request is read
// and how an answer is written. The versions of the API, the files, the stream of
// events and the runner use it; what a request means is theirs.
//
// A handler is a function that returns an error; [Calls] makes an [http.Handler] of it
// and checks who may call:
//
//	calls := wire.Calls{Token: tokenOf, Fail: func(w http.ResponseWriter, err error) { wire.Fail(w, log, err) }}
//	router.Handle("/api/v2/jobs", calls.Write(createJob)).Methods(http.MethodPost)
//
// It reads a query by [ReadQuery], a body by [ReadFields] or [Body], and the token by
// [Bearer]; it answers by [Write]. The native API's faults are problems ([Fail]), those
// of the v1 APIs have the ERROR body ([WriteError]).
//
// # Guarantees
//
//   - A fault that is not an [events.Error] is internal: its text is logged and never
//     shown; the answer names the request id.
//   - An unknown key, in a body or a query, is refused with the key that was
//     probably meant.
//   - A token in a URL is refused, since URLs end up in logs.
//   - 401 says WWW-Authenticate, 503 says Retry-After.
//
// The package imports nothing of the gateway: any service may import it.
package wire
