// Package crondlog reads what crond logs, and compares it with what Spool would have
// started: a shadowed job decides its slots and runs nothing, while crond still runs the
// line that it was made of.
//
//	starts, skipped := crondlog.Parse(text, zone, now)
//	lines := crondlog.Compare(starts, jobs, from, to)
//
// It reads lines of syslog in their old and their new form, and what journalctl prints
// with -o short, short-iso, short-full or json. It does no I/O.
//
// # Guarantees
//
//   - Each start that crond logged between from and to, and each slot that a shadowed job
//     decided then, is on exactly one line: Both, Crond or Spool.
//   - A line of a command with several jobs, or of a job with several starts, is matched
//     by user, command and minute, each start and each slot once.
package crondlog
