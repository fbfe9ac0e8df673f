package events

// Headers of a run-binary call. Those that begin with Spool go to the built-in
// runner only.
const (
	HeaderKey        = "Idempotency-Key"  // the trigger's identity
	HeaderDispatcher = "Spool-Dispatcher" // the secret that dispatcher and runner share
	HeaderJobID      = "Spool-Job-Id"
	HeaderOwner      = "Spool-Owner"    // the user who owns the job
	HeaderRole       = "Spool-Role"     // the role of that user, see [Job.Role]
	HeaderFile       = "Spool-File"     // what a file trigger's input must look like, see [File.Look]
	HeaderChain      = "Spool-Chain"    // the jobs whose runs led to a file trigger's input, see [File.Chain], with commas
	HeaderRetries    = "Spool-Retries"  // the [Retries] of the job, as JSON
	HeaderProfiles   = "Spool-Profiles" // the profiles that the job names, with commas
	HeaderPlace      = "Spool-Place"    // percent-encoded: the machine that the run belongs on, see [Run]; absent = any
	HeaderVerdict    = "Spool-Verdict"  // in an answer: the call leaves this verdict, not a result
	HeaderStore      = "Spool-Store"    // in an answer: "away" = the store did not take the run, which is not to blame
)

// RunBinaryPath is where the Run Binary API lives below a server's URL.
const RunBinaryPath = "/api/v1/flow/run_binary_async"

// JobStatusPath is where the Job API says how a run goes.
const JobStatusPath = "/api/v1/jobs/status"

// RunRequest is the body of a run-binary call.
type RunRequest struct {
	InputDir   string     `json:"input_dir"`
	BinaryPath string     `json:"binary_path"`
	Settings   Object     `json:"settings"`
	Spool      *RunExtras `json:"spool,omitempty"` // to the built-in runner only, who takes it from a dispatcher only
}

// RunAnswer is the body of the answer to one.
type RunAnswer struct {
	Status Status   `json:"status"`
	Msg    string   `json:"msg,omitempty"`
	Data   *RunData `json:"data,omitempty"`
}

// RunData says which run was accepted and where it writes.
type RunData struct {
	JobID        string `json:"job_id"`
	OutputFolder string `json:"output_folder"`
}
