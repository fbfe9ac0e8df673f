package admission

import "time"

// MinRate is how slow the other side of a connection may be: it has Grace in
// hand, gains time with each byte at Rate, up to Grace, and loses the time that
// it is waited for. Whoever moves Rate bytes a second on average never runs out.
type MinRate struct {
	Grace time.Duration // 0 means 30 s
	Rate  int64         // bytes a second; 0 means 1 KiB
}

func (r MinRate) grace() time.Duration {
	if r.Grace == 0 {
		return 30 * time.Second
	}
	return r.Grace
}

// Bytes is how many gain the whole grace.
func (r MinRate) Bytes() int64 {
	rate := r.Rate
	if rate == 0 {
		rate = 1 << 10
	}
	return max(1, int64(float64(rate)*r.grace().Seconds()))
}

// Budget is the time that one side has left. It is not safe for concurrent use.
type Budget struct {
	rate MinRate
	left time.Duration
}

// Budget gives the whole grace.
func (r MinRate) Budget() Budget { return Budget{r, r.grace()} }

// Rate is the rate that the budget is for.
func (b *Budget) Rate() MinRate { return b.rate }

// Left is how long the next byte may be waited for; 0 = the side is too slow.
func (b *Budget) Left() time.Duration { return b.left }

// Spend accounts for a wait after which so many bytes moved.
func (b *Budget) Spend(wait time.Duration, bytes int) {
	grace := b.rate.grace()
	if full := b.rate.Bytes(); int64(bytes) >= full {
		b.left = grace
	} else {
		b.left += time.Duration(float64(grace) * float64(bytes) / float64(full))
	}
	b.left = max(0, min(grace, b.left-wait))
}

// Refill gives the whole grace again.
func (b *Budget) Refill() { b.left = b.rate.grace() }
