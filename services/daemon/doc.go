// Package daemon is the life of a process: parts start in order, the process is ready when all
// of them are, and everything stops in reverse order, each step within a bounded time.
//
//	p := daemon.New(log)
//	p.Go("cron", service.Run)         // runs until the process stops
//	p.OnStop("bus", bus.Close)        // a step of the stop, after the parts that started later
//	return p.Wait(ctx)                // blocks until ctx ends or a part fails, and then stops
//
// It also has the listeners and handlers that every role shares: limits on connections, TLS,
// health, and contexts that outlast a stop ([Linger]).
//
// A part runs when Go returns, and has ended when its stop step returns. The first part that fails
// stops the process, and Wait returns its error. When Wait returns nothing of the process runs any
// more, unless its error names a step that took too long.
package daemon
