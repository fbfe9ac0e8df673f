package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"spool.internal/gateway/client"
)

func Example() {
	ctx := context.Background()
	spool, err := client.New(serverURL, client.TokenFile(tokenFile), "example/1.0")
	if err != nil {
		fmt.Println(err)
		return
	}
	made, err := spool.CreateJobWithBodyWithResponse(ctx, nil, "application/json", strings.NewReader(`{
		"name": "nightly backup", "schedule": "30 2 * * *", "spool": {"timezone": "Europe/Paris"},
		"run": {"command": "tar czf www.tar.gz -C /srv/www ."}, "input": "admin/repo/fs/Demo/in"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*made.JSON201.Description)

	page, err := spool.ListJobsWithResponse(ctx, &client.ListJobsParams{Q: new("nightly"), Limit: new(10)})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, job := range page.JSON200.Jobs {
		fmt.Println(job.Name, job.Status, job.JobId == made.JSON201.JobId)
	}

	_, err = spool.GetJobWithResponse(ctx, "6bc58441-1f60-4265-99f1-881c90ac65df")
	if refused, ok := errors.AsType[*client.Error](err); ok && refused.Status == http.StatusNotFound {
		fmt.Println(refused)
	}
	// Output:
	// At 02:30 every day (Europe/Paris).
	// nightly backup ENABLED true
	// job_id: no such job
}
