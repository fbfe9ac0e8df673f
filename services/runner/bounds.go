package runner

import (
	"math"

	"spool.internal/services/runner/cell"
	"spool.internal/services/runner/cgroup"
	"spool.internal/services/runner/process"
)

// bounding is the control groups for flows that profiles bound.
type bounding struct {
	groups            *cgroup.Groups // nil: none
	memory, processor bool           // they can bound that
}

// boundAs gives the program for a flow whose profiles bound memory or processor time. Where no control
// group can bound the whole flow, limits bounds each of its processes.
func (r *Runner) boundAs(a *attempt, limits *cell.Limits) process.Program {
	p, g := r.program, a.granted
	if g.Memory == 0 && g.Processor == 0 {
		return p
	}
	r.grouping.Do(r.findBounds)
	memory, cores := int64(0), 0.0
	if g.Memory > 0 {
		if memory = g.Memory; !r.bounds.memory {
			memory, limits.Memory = 0, int(g.Memory)
		}
	}
	if g.Processor > 0 {
		if cores = g.Processor; !r.bounds.processor {
			cores, limits.Processors = 0, int(math.Ceil(g.Processor))
			a.runlog.Note("no control group bounds its processor time (cpu.max): it may use %d of the processors of this host", limits.Processors)
		}
	}
	if memory > 0 || cores > 0 {
		p.Groups = r.bounds.groups.With(memory, cores)
	}
	return p
}

// findBounds finds the control groups in which profiles can bound flows.
func (r *Runner) findBounds() {
	const much = 1 << 40 // more than a trial takes
	b := &r.bounds
	try := r.program
	memory := error(nil)
	if try.Groups == nil { // else --flow-memory has found them
		memory = try.BoundMemory(much)
	}
	processor := try.BoundProcessor(1)
	b.memory, b.processor = memory == nil, processor == nil
	if b.groups = r.program.Groups; b.groups == nil && try.Groups != nil {
		b.groups = try.Groups.Unbound()
	}
	if memory != nil {
		r.log.Info("memory is bounded for each process of a flow, not for all of them together", "cause", memory.Error())
	}
	if processor != nil {
		r.log.Info("profiles bound how many processors a flow may use, not its time on them", "cause", processor.Error())
	}
}
