// In:  spool.job.>, spool.verdict.>, spool.clock, spool.backlog.>, spool.boot.>, spool.state.role.>
// Out: spool.trigger.cron.<job_id>, spool.verdict.<job_id>, spool.clock, spool.backlog.<job_id>, spool.boot.<job_id>.<host>, spool.slot.<job_id>
//
// Package cron turns the clock into triggers: one for every slot of every
// enabled job that has a schedule, or a verdict that says why there is none.
//
//	c, err := cron.New(cron.Config{Bus: bus, Location: zone, Log: log})
//	err = c.Run(ctx) // until ctx ends; any number of replicas may run
//
// # How
//
// gocron wakes one loop at every whole UTC minute; slots are whole minutes. A check of
// the wall clock each second wakes it too: gocron's timers do not follow the wall clock,
// so they are late after a suspend or a step. The loop makes a pass. It waits until its
// index of jobs includes every event acknowledged so far, works out what is owed since
// the committed clock, and commits that in batches, in the order of job ids. Each batch
// carries the clock that says how far it goes. The commit is the claim: every replica
// tries and one wins. There is no leader and no lock. Minutes in which nothing was due
// are committed with the next that is not like that, at a stop in order, and at each
// whole half hour: so a disk on which nothing happens can sleep.
//
// # Guarantees
//
//   - Once: a slot has one trigger or lies in one verdict, whatever dies between
//     two commits and however many replicas run. A trigger is named by its slot.
//   - Whose slot: the job's as it was then. A change counts from its effective time,
//     and from the next pass when it was stored too late for that; what the job as it
//     was before still owed then is recorded as missed.
//   - Disabled: the slots of a disabled job are recorded as one range when the job
//     changes again, not minute by minute; for one that stays disabled its own
//     history is the record. A deleted job owes nothing.
//   - Shadowed: the slots of a disabled job with spool.shadow are decided like those of
//     an enabled one, and what would run is recorded as shadow, with no trigger.
//   - Reboot: a job with the schedule @reboot has one trigger for each start of a host
//     with a cron, if it was enabled before that start.
//   - Order: the triggers of one job are stored in the order of its slots. The
//     triggers of one minute are stored in the order of job ids.
//   - Lateness: a slot committed within 60 s of its minute is on time. For time in
//     which cron was not there, the newest slot is triggered and the older ones are
//     superseded; with catch_up "none" all of them are missed. Slots older than 24 h
//     are missed under every policy.
//   - Backlog: with catch_up "all" the slots before the newest are a backlog, kept
//     in the store and triggered oldest first at [Config.CatchUpRate]; the clock
//     never waits for it.
//   - Downtime: the time in which cron was not there, as triggers and verdicts tell it,
//     begins with the committed clock: after a kill up to half an hour early, by
//     minutes in which nothing was due.
//   - Clock: no pass while the committed clock is more than two minutes ahead of
//     this machine's. That is a fault for people: [Cron.Check] says so.
//   - Refusal: a full or absent store delays slots and loses none.
//   - Verdicts reach spool.slot.<job_id> at least once; the second of the same
//     identity is the first.
//   - After [Cron.Run] has returned nothing of it is left running, and what was not
//     committed is owed to the next start.
package cron
