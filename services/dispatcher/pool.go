package dispatcher

import (
	"sync"
	"time"
)

// pool runs functions beside each other, on goroutines that it keeps a moment for the next: the stack of a new one
// grows several times until it has made a call. Its zero value is not usable.
type pool struct {
	all  sync.WaitGroup
	next chan func()   // to a goroutine that is free
	over chan struct{} // closed when no more come
}

// freeMost is how long a goroutine waits for the next function.
const freeMost = time.Second

func newPool() *pool { return &pool{next: make(chan func()), over: make(chan struct{})} }

// run runs f and does not wait for it.
func (p *pool) run(f func()) {
	select {
	case p.next <- f:
	default:
		p.all.Go(func() { p.serve(f) })
	}
}

func (p *pool) serve(f func()) {
	free := time.NewTimer(freeMost)
	defer free.Stop()
	for {
		f()
		free.Reset(freeMost)
		select {
		case f = <-p.next:
		case <-free.C:
			return
		case <-p.over:
			return
		}
	}
}

// close waits for what runs; nothing may be run after it.
func (p *pool) close() {
	close(p.over)
	p.all.Wait()
}
