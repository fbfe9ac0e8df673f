package admission

// Refusal says why there is no permit; the empty one that there is.
type Refusal string

const (
	TooMany Refusal = "caller" // the caller holds as many as one may
	Full    Refusal = "full"   // there are none left that it may take
)

// Semaphores count the permits of one listener. They are not safe for concurrent use.
type Semaphores struct {
	size [pools][kinds]int
	used [pools][kinds]int
	held [pools]map[string]*[kinds]int // by the caller's key
}

const (
	everybody = iota
	administrators
	pools
)

// Permit is one that was acquired, or none.
type Permit struct {
	kind Kind
	pool int
	key  string
}

// Held reports whether it is a permit.
func (p Permit) Held() bool { return p.key != "" }

// Kind is what the permit is for.
func (p Permit) Kind() Kind { return p.kind }

// Caller is the key of who holds it.
func (p Permit) Caller() string { return p.key }

// NewSemaphores makes semaphores of which nothing is held.
func NewSemaphores(l Limits) *Semaphores {
	s := &Semaphores{}
	s.size[everybody] = l.Permits
	for k, n := range l.Permits {
		s.size[administrators][k] = reserve(n)
	}
	for pool := range s.held {
		s.held[pool] = map[string]*[kinds]int{}
	}
	return s
}

// Acquire takes a permit, for [Semaphores.Release] to give back.
func (s *Semaphores) Acquire(kind Kind, who Caller) (Permit, Refusal) {
	if who.Rank == Admin {
		if p, why := s.acquire(administrators, kind, who.Key); why == "" {
			return p, ""
		}
	}
	return s.acquire(everybody, kind, who.Key)
}

func (s *Semaphores) acquire(pool int, kind Kind, key string) (Permit, Refusal) {
	size, held, has := s.size[pool][kind], s.held[pool][key], 0
	if held != nil {
		has = held[kind]
	}
	if free := size - s.used[pool][kind]; !mayHold(has+1, free) {
		if free > 0 && !mayHold(has+1, size-has) {
			return Permit{}, TooMany // it would be too many if nobody else held any
		}
		return Permit{}, Full
	}
	if held == nil {
		held = new([kinds]int)
		s.held[pool][key] = held
	}
	held[kind]++
	s.used[pool][kind]++
	return Permit{kind, pool, key}, ""
}

// mayHold is how permits are shared: a caller may have a quarter of what is free
// when it comes, a fifth of all at most. So it takes many callers to take all, and
// those who hold none find some.
func mayHold(n, free int) bool { return n <= free && (n <= few || 4*n <= free+4) }

// few is how many a caller may hold in a small listener, too.
const few = 4

// Release gives a permit back.
func (s *Semaphores) Release(p Permit) {
	if !p.Held() {
		return
	}
	s.used[p.pool][p.kind]--
	held := s.held[p.pool][p.key]
	if held[p.kind]--; *held == [kinds]int{} {
		delete(s.held[p.pool], p.key)
	}
}
