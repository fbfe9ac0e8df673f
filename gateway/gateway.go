package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/wait"
	"spool.internal/gateway/bulk"
	"spool.internal/gateway/index"
	"spool.internal/gateway/ui"
	"spool.internal/gateway/v2"
	"spool.internal/gateway/v2/files"
	"spool.internal/gateway/v2/stream"
)

// Gateway serves the API. See the package comment for what it promises.
type Gateway struct {
	cfg     Config
	feed    *jet.JobFeed
	jobs    *jobs
	owners  *owners
	index   *index.Index
	janitor *janitor
	holder  *holder
	untils  *untils
	bulks   *bulk.Runner
	limiter *limiter // by token
	events  *stream.Stream
	handler http.Handler
	native  *v2.API
	files   *files.API // nil: there are no drives
	peers   *peers
	pages   *ui.UI

	strangers *limiter // by address, of callers without a valid token
	refusals  *sampler // which refusals are logged

	origins *http.CrossOriginProtection // of requests that a cookie lets in

	waiting atomic.Pointer[string] // why nothing can be answered yet; nil = ready
}

// New wires a gateway and starts nothing.
func New(c Config) (*Gateway, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	g := &Gateway{cfg: c, limiter: newLimiter(c.Rate, c.Burst), strangers: newLimiter(c.Rate, c.Burst), refusals: newSampler(), origins: http.NewCrossOriginProtection()}
	var err error
	if g.peers, err = newPeers(c); err != nil {
		return nil, err
	}
	g.janitor = newJanitor(g)
	g.holder = newHolder(g)
	g.index = index.New(c.Bus, c.Zone, g.holder.called)
	g.owners = newOwners(c.Bus, c.Quota)
	g.jobs = newJobs(g.janitor.add, g.owners, g.index)
	g.untils = newUntils(g)
	g.bulks = &bulk.Runner{Bus: c.Bus, Keys: c.Keys, Log: c.Log}
	g.feed = jet.NewJobFeed(c.Bus, func(rev events.JobRevision) {
		g.jobs.apply(rev)
		g.untils.apply(rev)
	})
	g.jobs.feed = g.feed
	g.events = g.newEvents()
	g.handler = g.wrap(g.router())
	g.wait("the gateway is not started")
	return g, nil
}

// Handler answers requests from the moment that Run is ready; before that with 503.
func (g *Gateway) Handler() http.Handler { return g.handler }

// Check says why nothing can be answered now; nil means ready.
func (g *Gateway) Check() error {
	if why := g.waiting.Load(); why != nil {
		return errors.New(*why)
	}
	return g.cfg.Bus.Check()
}

func (g *Gateway) wait(why string) { g.waiting.Store(&why) }

// Run follows jobs and results and registers the admin token; it returns when
// ctx has ended, or with the fault that makes going on useless.
func (g *Gateway) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer g.wait("the gateway is stopped")
	parts := []struct {
		name string
		run  func(context.Context) error
	}{
		{"follow jobs", g.feed.Run},
		{"follow results", g.index.Run},
		{"purge results", g.janitor.run},
		{"hold jobs", g.holder.run},
		{"enable jobs", g.untils.run},
		{"work on actions", g.bulks.Run},
		{"follow events", g.events.Run},
		{"follow acknowledgements", g.followAcks},
		{"answer subscribers", g.answerSubscribers},
		{"record the use of tokens", func(ctx context.Context) error { return g.cfg.Keys.RecordUse(ctx, time.Minute) }},
		{"start", g.start},
	}
	errs := make([]error, len(parts))
	var wg sync.WaitGroup
	for i, p := range parts {
		wg.Go(func() {
			if err := p.run(ctx); err != nil && ctx.Err() == nil {
				errs[i] = fmt.Errorf("gateway: %s: %w", p.name, err)
				cancel()
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// start does what must have happened before the first answer, side by side. What the gateway says that it waits
// for is the first of it that has not happened.
func (g *Gateway) start(ctx context.Context) error {
	steps := []struct {
		waits string
		do    func(context.Context) error
	}{
		{"the tokens are not loaded yet", g.loadTokens},
		{"the key for URLs is not made yet", func(ctx context.Context) error {
			return until(ctx, func() error { return g.cfg.Bus.MakeShownKey(ctx) })
		}},
		{"the jobs are not loaded yet", func(ctx context.Context) error {
			return until(ctx, func() error { return g.jobs.Refresh(ctx) })
		}},
		{"the quotas are not known yet", func(ctx context.Context) error {
			return until(ctx, func() error { return g.owners.start(ctx) })
		}},
		{"the results are not indexed yet", func(ctx context.Context) error { return until(ctx, g.index.Check) }},
		{"the events are not followed yet", func(ctx context.Context) error { return until(ctx, g.events.Check) }},
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make([]chan error, len(steps))
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	for i, s := range steps {
		ended[i] = make(chan error, 1)
		all.Go(func() { ended[i] <- s.do(ctx) })
	}
	for i, s := range steps {
		g.wait(s.waits)
		if err := <-ended[i]; err != nil {
			return err
		}
	}
	g.waiting.Store(nil)
	g.cfg.Log.Info("the gateway is ready")
	return nil
}

// loadTokens registers the admin's token, and waits until that, and so all before it, is known.
func (g *Gateway) loadTokens(ctx context.Context) error {
	token, good, err := g.adminToken(ctx)
	if err != nil {
		return err
	}
	return until(ctx, func() error {
		_, err := g.cfg.Keys.Verify(token, time.Now())
		if !good && events.CodeOf(err) == events.Unauthorized {
			return nil
		}
		return err
	})
}

// pause is how long one waits for something that another goroutine or the
// broker is about to do, at most.
const pause = 4 * time.Millisecond

// until repeats f until it succeeds or ctx ends.
func until(ctx context.Context, f func() error) error {
	retry := wait.Backoff{First: time.Millisecond, Last: pause}
	for f() != nil {
		if err := wait.Sleep(ctx, retry.Next()); err != nil {
			return err
		}
	}
	return nil
}
