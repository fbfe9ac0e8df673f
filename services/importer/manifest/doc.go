// Package manifest reads and writes files of jobs: what spool jobs apply takes, and what
// spool jobs export and spool import write.
//
//	apiVersion: spool/v1
//	managed_by: crontab@web1   # optional: --prune deletes jobs of this name alone
//	jobs:
//	  - key: backup            # the identity; the name may change
//	    name: nightly backup
//	    schedule: "30 2 * * *"
//	    run: {command: tar czf www.tar.gz -C /srv/www .}
//
// A file is YAML or JSON, of one or more documents. A job has the keys of POST
// /api/v2/jobs, in the short or in the full form, and three of its own: key, enabled
// (true or false: what the job is to be) and initially (disabled: it is made disabled,
// and left alone afterwards). Package manifest keeps the order of keys and the lines
// that they stand on, and does no I/O.
//
// [Read] also reads what other programs write, for the importers.
package manifest
