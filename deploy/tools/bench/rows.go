package main

// A round is one call of go test -bench.
type round struct {
	module, pattern string
	times, once     string // -benchtime, of all and of the quick ones; once "" = too long to be quick
	threads         bool   // on as many threads as spool takes
	count           int    // runs, 0 = five
	slow            bool   // each fsync is made 3 ms slower; its benchmarks are named slow/…
	jobs            string // BENCH_JOBS, "" = as many as the benchmark says itself; its benchmarks are named after it
}

// A row is one figure of the table beside its floor, both of the same round.
type row struct {
	what        string
	bench, unit string
	floor       string // benchmark of the floor, in the same unit
	goal        goal
	lacks       string // what a peer or a floor leaves out that Spool does
}

// A goal is a bound of a figure, or of how it stands to its floor; the zero goal is none.
type goal struct {
	of    standing
	least bool // else at most
	bound float64
}

type standing int

const (
	itself standing = iota
	ratio           // the figure as a multiple of its floor
	beyond          // what it has more than its floor
)

func atMost(v float64) goal      { return goal{bound: v} }
func atLeast(v float64) goal     { return goal{least: true, bound: v} }
func timesFloor(v float64) goal  { return goal{of: ratio, bound: v} }
func beyondFloor(v float64) goal { return goal{of: beyond, bound: v} }
func partOfFloor(v float64) goal { return goal{of: ratio, least: true, bound: v} }

var rounds = []round{
	{module: "./events/jet", pattern: "Commit", times: "100x", once: "20x"},
	{module: "./services/dispatcher", pattern: "Dispatch/|OneJob|Reach", times: "1x", once: "1x", threads: true},
	{module: "./services/runner", pattern: "^BenchmarkGateReady$/^(floor|ready,_shut_in)$", times: "60x", once: "30x"},
	{module: "./services/runner", pattern: "^BenchmarkRun$/^(exec|run,_interval|run,_fsync)$", times: "100x", once: "30x", threads: true},
	{module: "./services/cmd/spool", pattern: "Watch/renamed-in", times: "100x", once: "50x"},
	{module: "./services/cmd/spool", pattern: "Ready", times: "10x", once: "5x"},
	{module: "./gateway", pattern: "CreateJob|ListJobs", times: "1s"},
	{module: "./gateway", pattern: "ListJobs", times: "3x", count: 1, jobs: "100000"},
	{module: "./services/cmd/spool", pattern: "GatewayMemory/list", times: "1x", count: 1},
	{module: "./cron", pattern: "MinuteJob", times: "1x", count: 1},
	{module: "./cron", pattern: "Pass/.*=10000$", times: "1x", once: "1x"},
	{module: "./services/cmd/spool", pattern: "Flood/(fsync|interval)/(serve|floor)$", times: "1x", count: 3},
	{module: "./services/cmd/spool", pattern: "Idle", times: "1x", count: 1},
	{module: "./services/cmd/spool", pattern: "Written", times: "1x", count: 1},
	{module: "./services/dispatcher", pattern: "Dispatch/^(fsync|interval|floor)$", times: "1x", threads: true, count: 3, slow: true},
	{module: "./services/cmd/spool", pattern: "Watch/renamed-in/^(fsync|durable-floor)$", times: "100x", count: 3, slow: true},
}

const noRecord = "keeps no record, retries nothing"

var rows = []row{
	{what: "64 workers, endpoint 5 ms, results stored, fsync", bench: "Dispatch/fsync", unit: "calls/s", floor: "Dispatch/floor", goal: partOfFloor(0.6), lacks: noRecord},
	{what: "the same, interval", bench: "Dispatch/interval", unit: "calls/s", floor: "Dispatch/floor", goal: partOfFloor(0.8), lacks: noRecord},
	{what: "64 workers, endpoint 5 ms, each fsync 3 ms slower", bench: "slow/Dispatch/fsync", unit: "calls/s", floor: "slow/Dispatch/floor", goal: partOfFloor(0.6), lacks: noRecord},
	{what: "the same, interval", bench: "slow/Dispatch/interval", unit: "calls/s", floor: "slow/Dispatch/floor", goal: partOfFloor(0.8), lacks: noRecord},
	{what: "files let go of, fsync", bench: "Dispatch/acks,_fsync", unit: "acks/s"},
	{what: "one job, 16 at once, endpoint answers at once, fsync", bench: "OneJob/fsync", unit: "calls/s", floor: "OneJob/floor", lacks: noRecord},
	{what: "the same, interval", bench: "OneJob/interval", unit: "calls/s", floor: "OneJob/floor", lacks: noRecord},
	{what: "trigger stored → request, p50, fsync", bench: "Reach/fsync", unit: "ms-p50", floor: "Reach/floor", lacks: "a bare request"},
	{what: "the same, p99", bench: "Reach/fsync", unit: "ms-p99", floor: "Reach/floor", lacks: "a bare request"},

	{what: "100,000 files at once, first to last called, fsync", bench: "Flood/fsync/serve", unit: "files/s-called", goal: atLeast(4000)},
	{what: "the same, committed", bench: "Flood/fsync/serve", unit: "s-committed", floor: "Flood/fsync/floor", goal: timesFloor(4), lacks: "the same batches stored, nothing read, copied or called"},
	{what: "the same, called, interval", bench: "Flood/interval/serve", unit: "files/s-called"},

	{what: "renamed in → request, p50, fsync", bench: "Watch/renamed-in/fsync", unit: "ms-p50", floor: "Watch/renamed-in/durable-floor", goal: timesFloor(2), lacks: "one fsync and a POST: no stage, no queue, no result"},
	{what: "the same, p99", bench: "Watch/renamed-in/fsync", unit: "ms-p99", floor: "Watch/renamed-in/durable-floor", goal: atMost(6)},
	{what: "renamed in → request, p50, each fsync 3 ms slower", bench: "slow/Watch/renamed-in/fsync", unit: "ms-p50", floor: "slow/Watch/renamed-in/durable-floor", goal: timesFloor(2), lacks: "one fsync and a POST"},
	{what: "the same, p50, interval", bench: "Watch/renamed-in/interval", unit: "ms-p50", floor: "Watch/renamed-in/floor", goal: atMost(1.2), lacks: "bare fsnotify and a POST: " + noRecord},
	{what: "incron and curl, p50", bench: "Watch/renamed-in/incron", unit: "ms-p50", floor: "Watch/renamed-in/floor", lacks: noRecord},
	{what: "inotifywait and curl, p50", bench: "Watch/renamed-in/inotifywait+curl", unit: "ms-p50", floor: "Watch/renamed-in/floor", lacks: noRecord},
	{what: "chokidar and fetch, p50", bench: "Watch/renamed-in/chokidar+fetch", unit: "ms-p50", floor: "Watch/renamed-in/floor", lacks: noRecord},

	{what: "a process made ready for a flow, ahead of the run, p50", bench: "GateReady/ready,_shut_in", unit: "ms-p50", floor: "GateReady/floor", goal: atMost(2), lacks: "a static program that says a byte: no sandbox"},
	{what: "one run in the sandbox, call to stored end, interval", bench: "Run/run,_interval", unit: "ns/op", floor: "Run/exec", goal: beyondFloor(3e6), lacks: "os/exec alone"},
	{what: "the same, fsync", bench: "Run/run,_fsync", unit: "ns/op", floor: "Run/exec", goal: beyondFloor(5e6), lacks: "os/exec alone"},

	{what: "one cron job, from its minute until stored, p50 of five minutes, fsync", bench: "MinuteJob/spool", unit: "ms-p50", floor: "MinuteJob/bare", lacks: "a bare commit at the minute"},
	{what: "gocron, the same minutes", bench: "MinuteJob/gocron", unit: "ms-p50", floor: "MinuteJob/bare", lacks: "stores nothing"},
	{what: "robfig/cron, the same minutes", bench: "MinuteJob/robfig", unit: "ms-p50", floor: "MinuteJob/bare", lacks: "stores nothing"},
	{what: "supercronic, the same minutes", bench: "MinuteJob/supercronic", unit: "ms-p50", floor: "MinuteJob/bare", lacks: "stores nothing; starts a process"},
	{what: "node-cron, the same minutes", bench: "MinuteJob/node-cron", unit: "ms-p50", floor: "MinuteJob/bare", lacks: "stores nothing"},
	{what: "10,000 jobs due at one minute", bench: "Pass/jobs=10000", unit: "ms/pass", floor: "Pass/floor=10000", lacks: "bare batches of the same messages"},
	{what: "triggers committed, batches of 999, fsync", bench: "Commit/batched", unit: "triggers/s", floor: "Commit/batched-floor", lacks: "the bytes appended to a file and synced"},
	{what: "triggers committed one by one, fsync", bench: "Commit/single", unit: "triggers/s", floor: "Commit/single-floor", lacks: "the bytes appended to a file and synced"},

	{what: "create_job, 64 clients, fsync", bench: "CreateJob/api", unit: "jobs/s", floor: "CreateJob/floor", lacks: "bare publishes"},
	{what: "list_jobs, 10,000 jobs × 10 results", bench: "ListJobs/api", unit: "ns/op", floor: "ListJobs/floor", goal: timesFloor(3), lacks: "json.Marshal of the same objects"},
	{what: "the same, first byte", bench: "ListJobs/api", unit: "ms-first-byte", goal: atMost(10)},
	{what: "list_jobs, 100,000 jobs × 10 results", bench: "100000/ListJobs/api", unit: "ns/op", floor: "100000/ListJobs/floor", goal: timesFloor(3), lacks: "json.Marshal of the same objects"},
	{what: "the same, first byte", bench: "100000/ListJobs/api", unit: "ms-first-byte", goal: atMost(10)},
	{what: "the same, memory of the gateway's process above that when all results are known", bench: "GatewayMemory/list-100000x10", unit: "MB-grown-by-list", floor: "GatewayMemory/list-10000x10", goal: timesFloor(1.3), lacks: "10,000 jobs × 10 results"},

	{what: "start to ready", bench: "Ready/serve", unit: "ns/op", floor: "Ready/floor", goal: atMost(50e6), lacks: "spool version"},
	{what: "binary, stripped", bench: "Ready/serve", unit: "MB-stripped", goal: atMost(30)},
	{what: "written in two idle minutes between half hours, for an hour", bench: "Idle/serve", unit: "kB/h", goal: atMost(100)},
	{what: "stored for one slot that is run", bench: "Written/slot,_built-in_runner", unit: "B/run", goal: atMost(8000)},
	{what: "stored for one file that is run", bench: "Written/file,_built-in_runner", unit: "B/run", goal: atMost(8000)},
	{what: "stored for one file at an endpoint", bench: "Written/file,_endpoint", unit: "B/run", goal: atMost(8000)},
	{what: "processor while idle", bench: "Idle/serve", unit: "%-core", goal: atMost(0.5)},
	{what: "memory while idle", bench: "Idle/serve", unit: "MB", goal: atMost(30)},
	{what: "of that its own, not of the program's file", bench: "Idle/serve", unit: "MB-anon"},
	{what: "wake-ups while idle", bench: "Idle/serve", unit: "wakeups/s"},
}
