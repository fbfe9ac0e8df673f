package events

import "encoding/json"

// Labels are the parameters that jobs are listed, searched and sorted by.
type Labels struct {
	When
	Tags []string // settings.tags
}

// Labels reads that part of a job alone and checks nothing else, as [Job.Timing] does. What
// cannot be read is left out: another version stored it.
func (j *Job) Labels() (l Labels) {
	o, err := splitObject(j.Parameters, "job_parameters")
	if err != nil {
		return l
	}
	r := reader{o: o}
	settings := r.object("flow_parameters", false).object("settings", false)
	if raw, ok := settings.o.Get("tags"); ok {
		_ = json.Unmarshal(raw, &l.Tags)
	}
	if l.Schedule, _ = r.slots(settings); l.Schedule != "" {
		l.Timezone = r.object("spool", false).text("timezone")
	}
	return l
}
