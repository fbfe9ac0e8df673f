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
	free := size - s.used[pool][kind]
	switch {
	case has >= share(size):
		return Permit{}, TooMany
	case has >= free: // the last ones are for who holds none
		return Permit{}, Full
	case held == nil:
		held = new([kinds]int)
		s.held[pool][key] = held
	}
	held[kind]++
	s.used[pool][kind]++
	return Permit{kind, pool, key}, ""
}

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
