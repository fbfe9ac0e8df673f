package events_test

import (
	"fmt"

	"spool.internal/events"
)

// What a person sends is read once; a mistake is answered with its field and the remedy.
func ExampleParseParameters() {
	p, err := events.ParseParameters([]byte(`{
		"name": "nightly", "schedule": "30 2 * * *",
		"flow_parameters": {
			"auth_token": "t", "binary_path": "ann/repo/fs/Home/backup", "input_dir": "ann/repo/fs/Home/in"
		},
		"spool": {"overlap": "skip"}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Name, p.Schedule, p.Options.Overlap)

	_, err = events.ParseParameters([]byte(`{
		"name": "nightly", "schedule": "30 2 * * *",
		"flow_parameters": {"auth_token": "t", "binary_path": "backup", "input_dir": "ann/repo/fs/Home/in"}
	}`))
	fmt.Println(events.CodeOf(err), err)
	// Output:
	// nightly 30 2 * * * skip
	// invalid flow_parameters.binary_path: must have the form owner/repo/fs/drive/path
}

// A logical path names a drive, and a place on it; what is the same is written alike.
func ExampleParsePath() {
	p, err := events.ParsePath("input_dir", "/ann/repo/fs/Home//in/2026/")
	fmt.Println(p, err)
	fmt.Println(p.Drive, p.Rel, p.Sibling("done"))

	_, err = events.ParsePath("input_dir", "ann/repo/fs/Home/../../bob")
	fmt.Println(err)
	// Output:
	// ann/repo/fs/Home/in/2026 <nil>
	// ann/repo/fs/Home in/2026 ann/repo/fs/Home/in/done
	// input_dir: contains "..": give the path without it
}

// The identity of a trigger does not depend on who made it or when. It is the key of its
// call, and the runner's id of the run follows from that.
func ExampleCronTriggerID() {
	const job, minute = "0b2f6c0e-5f0b-4e0c-9b0e-3a1f0e4f7c55", 29_000_000
	id := events.CronTriggerID(job, minute)
	fmt.Println(id)
	fmt.Println(events.FlowJobID("ann", id))
	fmt.Println(events.FlowJobID("ann", events.CronTriggerID(job, minute)) == events.FlowJobID("ann", id))
	// Output:
	// cron:0b2f6c0e-5f0b-4e0c-9b0e-3a1f0e4f7c55:29000000
	// a1109641-74e8-5f44-92e0-0d6322ecd9ea
	// true
}
