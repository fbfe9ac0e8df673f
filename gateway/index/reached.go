package index

// Reached gives the sequences of the results and of the run events up to which the index
// shows all that is stored; 0 says that this is not known.
func (x *Index) Reached() (results, runs uint64) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.shown == nil {
		return 0, 0
	}
	return x.shown.results, x.shown.runs
}
