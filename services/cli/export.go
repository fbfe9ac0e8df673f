package cli

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"spool.internal/events"
	"spool.internal/gateway/client"
	"spool.internal/services/importer/manifest"
)

func jobsExport() *cobra.Command {
	var f filter
	cmd := &cobra.Command{
		Use: "export", Short: "Print jobs as a file that spool jobs apply takes back", Args: cobra.NoArgs,
		Long: `Print jobs as a file that spool jobs apply takes back: all of your own, or those that the
flags choose. Secrets are printed as ********, which stands for what the job has. A job
without a key is known by its id.`,
		Example: "  spool jobs export -o yaml > jobs.yaml\n  spool jobs export --managed-by git:ops/jobs | spool jobs apply -f - --dry-run",
	}
	verb(cmd, func(ctx context.Context, s *session, _ []string) error {
		asked, err := f.parameters(s.out.now())
		if err != nil {
			return err
		}
		var jobs []events.Object
		var by []string
		for one, err := range s.jobs(ctx, asked) {
			if err != nil {
				return err
			}
			job, err := exported(one)
			if err != nil {
				return err
			}
			jobs = append(jobs, job)
			by = append(by, value(one.value.ManagedBy))
		}
		return s.export(jobs, by)
	})
	f.declare(cmd)
	return cmd
}

// exported is a job as a file has it.
func exported(one row[client.Job]) (events.Object, error) {
	raw, err := parametersOf(one.raw)
	if err != nil {
		return nil, err
	}
	o, err := events.ParseObject(raw)
	if err != nil {
		return nil, err
	}
	job := events.Object{}
	if key := value(one.value.Key); key != "" {
		job = job.Set("key", key)
	} else {
		job = job.Set("id", one.value.JobId)
	}
	if one.value.Status == "DISABLED" {
		job = job.Set("enabled", false)
	}
	if spool := append(events.Object{}, o.Inner("spool")...).Delete("key"); len(spool) > 0 {
		o = o.Set("spool", spool)
	} else {
		o = o.Delete("spool")
	}
	for _, m := range o {
		job = job.Set(m.Key, json.RawMessage(m.Value))
	}
	return job, nil
}

// export prints the file. Who keeps all of the jobs stands above them.
func (s *session) export(jobs []events.Object, by []string) error {
	all := ""
	if len(by) > 0 && by[0] != "" && !slices.ContainsFunc(by, func(one string) bool { return one != by[0] }) {
		all = by[0]
		for i, job := range jobs {
			spool := append(events.Object{}, job.Inner("spool")...).Delete("managed_by")
			if jobs[i] = job.Set("spool", spool); len(spool) == 0 {
				jobs[i] = job.Delete("spool")
			}
		}
	}
	switch s.out.form {
	case "name":
		for _, job := range jobs {
			key := string(job[0].Value) // key or id
			if err := s.out.line("%s", clean(strings.Trim(key, `"`))); err != nil {
				return err
			}
		}
		return nil
	case "json":
		file := events.Object{}.Set("apiVersion", manifest.Version)
		if all != "" {
			file = file.Set("managed_by", all)
		}
		list := make([]json.RawMessage, len(jobs))
		for i, job := range jobs {
			list[i] = events.Encode(job)
		}
		return s.out.json(events.Encode(file.Set("jobs", list)))
	}
	text, err := manifest.Write("", all, jobs)
	if s.out.terminal {
		text = cleanJSON(text)
	}
	if err == nil {
		_, err = s.out.w.Write(text)
	}
	return err
}
