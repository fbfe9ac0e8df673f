// Package jobform turns the parameters of a job into the fields of a form, and what comes
// back into the parameters that POST /api/v2/jobs takes, or into the patch that
// PATCH /api/v2/jobs/{job_id} takes. It judges nothing: that a schedule is one, or a
// folder may be read, the API says, and [FieldOf] finds the field that it speaks of.
//
//	values := jobform.Values(shown)          // what the fields show
//	o, err := jobform.New(posted)            // of a new job
//	patch, err := jobform.Patch(shown, posted)
//
// # Guarantees
//
//   - A field that comes back as it was shown changes nothing: a form that nobody has
//     touched gives an empty patch, whatever the job is.
//   - What no field can show, as a list with line breaks in its items, or keys that are a
//     flow's own, stands in [Raw] as JSON, with numbers and order as they were.
//   - A secret is never among the values; a field of one that comes back empty leaves it.
//   - Keys that the mode of a job excludes are taken out when the mode changes, and are
//     left alone otherwise.
package jobform
