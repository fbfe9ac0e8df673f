package change_test

import (
	"context"
	"fmt"
	"log/slog"

	"spool.internal/events"
	"spool.internal/gateway/change"
)

// A draft is checked before anything is stored: each fault names its field.
func ExampleJobs_Draft() {
	jobs := &change.Jobs{Log: slog.Default()} // Store and Sealer are needed to create the job
	ann := change.Caller{Token: events.Token{Owner: "ann", Role: events.Operator, Paths: []string{"ann/"}}}
	for _, body := range []string{
		`{"name":"nightly","schedule":"@daily","flow_parameters":{"auth_token":"t","binary_path":"ann/repo/fs/Home/flow","input_dir":"ann/repo/fs/Home/in"}}`,
		`{"name":"nightly","schedule":"at night","flow_parameters":{"auth_token":"t","binary_path":"ann/repo/fs/Home/flow","input_dir":"ann/repo/fs/Home/in"}}`,
	} {
		o, err := events.ParseObject([]byte(body))
		if err != nil {
			panic(err)
		}
		draft, err := jobs.Draft(context.Background(), ann, o)
		if err != nil {
			fmt.Println(events.CodeOf(err), err.(*events.Error).Field)
			continue
		}
		fmt.Println(draft.Parameters.Name, draft.Parameters.Schedule)
	}
	// Output:
	// nightly @daily
	// invalid schedule
}
