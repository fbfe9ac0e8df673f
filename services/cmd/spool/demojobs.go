package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Where the calls are that the demo makes.
const (
	v1 = "/api/v1/scheduler/" // of the seed
	v2 = "/api/v2/"
)

// demoJob is a job that the demo makes at its first start.
type demoJob struct {
	name     string
	schedule string         // "" = it watches a folder
	flow     string         // the input of the demo's flow, below the drive
	command  string         // in place of the flow
	run      bool           // it runs at once, so that nobody has to wait for its schedule
	disabled map[string]any // it is disabled, in these words
}

// demoJobs has a job of each kind: one for files, one that is well, one that fails, one that
// mostly runs, and one that is disabled. The first two are in the words of the seed.
var demoJobs = []demoJob{
	{name: "demo: every file", flow: "in"},
	{name: "demo: every minute", schedule: "* * * * *", flow: "tick/in"},
	{
		name: "demo: fails", schedule: "*/5 * * * *", run: true,
		command: `echo "reading orders.csv"; echo "orders.csv, line 17: the price is missing" >&2; exit 3`,
	},
	{
		name: "demo: takes a while", schedule: "*/3 * * * *", run: true,
		command: `for i in $(seq 1 120); do echo "step $i of 120"; sleep 1; done; echo "120 steps" >steps.txt`,
	},
	{
		name: "demo: disabled", schedule: "30 2 * * 1-5", command: `date >backup.txt`,
		disabled: map[string]any{"reason": "the disk of the backups is replaced"},
	},
}

// body is the job as the call that makes it takes it.
func (j demoJob) body() (path string, body map[string]any) {
	settings := map[string]any{"tags": []string{"demo"}}
	body = map[string]any{"name": j.name}
	if j.schedule != "" {
		body["schedule"] = j.schedule
	} else {
		settings["spooled_mode"] = true
	}
	if j.command != "" {
		body["run"], body["settings"] = map[string]any{"command": j.command}, settings
		return v2 + "jobs", body
	}
	body["flow_parameters"] = map[string]any{
		"auth_token": "not needed by the built-in runner", "binary_path": demoDrive + "/flow.ibflowbin",
		"input_dir": demoDrive + "/" + j.flow, "settings": settings,
	}
	return v1 + "create_job", body
}

// createJobs makes the jobs over the API, unless an earlier start has made any: one that was
// deleted since stays away.
func (d *demo) createJobs(ctx context.Context) error {
	var list struct {
		Jobs []struct {
			Name string `json:"name"`
		} `json:"jobs"`
	}
	if err := d.api.call(ctx, http.MethodGet, v1+"list_jobs", nil, &list); err != nil {
		return fmt.Errorf("demo: list_jobs: %w", err)
	}
	for _, j := range list.Jobs {
		if slices.ContainsFunc(demoJobs, func(d demoJob) bool { return d.name == j.Name }) {
			return nil
		}
	}
	for _, job := range demoJobs {
		if err := d.create(ctx, job); err != nil {
			if job.command == "" {
				return fmt.Errorf("demo: create_job: %w", err)
			}
			fmt.Fprintf(d.out, "%s job %q is left out: %v\n", clock(time.Now()), job.name, err) // a foreign endpoint has no commands
			continue
		}
		fmt.Fprintf(d.out, "%s job %q created\n", clock(time.Now()), job.name)
	}
	return nil
}

// create makes a job, and has it do at once what its schedule would have it do later.
func (d *demo) create(ctx context.Context, j demoJob) error {
	path, body := j.body()
	var made struct {
		ID string `json:"job_id"`
	}
	err := d.api.call(ctx, http.MethodPost, path, body, &made)
	if err == nil && j.disabled != nil {
		err = d.api.call(ctx, http.MethodPost, v2+"jobs/"+made.ID+"/disable", j.disabled, nil)
	}
	if err == nil && j.run {
		err = d.api.call(ctx, http.MethodPost, v2+"jobs/"+made.ID+"/trigger", nil, nil)
	}
	return err
}
