package runner

import "spool.internal/services/runner/cell"

const guarded = false

// launch starts the gate itself.
func (s *starting) launch(p program, _ cell.Form) error {
	var err error
	if s.proc, err = s.exec(p, []string{cell.Name, cell.Gate}, ownGroup()); err != nil {
		return err
	}
	s.pid = s.proc.Pid
	go s.reapGroup()
	return nil
}
