package events

// Unshadowed gives the parameters of a job without spool.shadow: from when it is enabled
// on, its slots run.
func Unshadowed(parameters []byte) []byte {
	o, err := splitObject(parameters, "job_parameters")
	if err != nil {
		return parameters
	}
	spool := o.Inner("spool")
	if _, given := raw(spool, "shadow"); !given {
		return parameters
	}
	if spool = spool.Delete("shadow"); len(spool) == 0 {
		return Encode(o.Delete("spool"))
	}
	return Encode(o.Set("spool", spool))
}
