//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// kill -9 under load never makes a store look damaged, in either mode: each start is
// ready and knows every job. Blocks are small, so that many come and go.
func TestLongStoreAcrossKills(t *testing.T) {
	long(t)
	t.Parallel()
	for _, mode := range []string{"fsync", "interval"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			storeAcrossKills(newHarness(t), 20, "--durability", mode, "--max-store", "67108864", "--results-per-job", "20")
		})
	}
}

func TestStoreAcrossKills(t *testing.T) {
	t.Parallel()
	storeAcrossKills(newHarness(t), 3, "--durability", "interval", "--max-store", "67108864", "--results-per-job", "20")
}

func storeAcrossKills(p *harness, kills int, args ...string) {
	p.Helper()
	serve := p.serve(args...)
	p.job("files", "", "flow.ibflowbin", "in", nil)
	jobs := &churn{p: p, token: p.adminToken()}
	for i := range kills {
		end := make(chan struct{})
		var load sync.WaitGroup
		load.Go(func() { jobs.run(end) })
		load.Go(func() { p.dropMany(i, end) })
		time.Sleep(time.Duration(300+rand.IntN(2500)) * time.Millisecond) //nolint:gosec // no secret
		close(end)                                                        // what is under way is cut off
		serve.kill()
		load.Wait()
		serve.start()
		said := serve.log.String()
		for _, bad := range []string{"the store is damaged", "NATS misses", "was damaged", "is damaged"} {
			if strings.Contains(said, bad) {
				p.Fatalf("after kill %d: %s", i+1, tail(said, 3000))
			}
		}
	}
	list := p.call("GET", "list_jobs", nil)["jobs"].([]any)
	if len(list) < 1+jobs.sure || jobs.sure == 0 {
		p.Errorf("%d jobs, of which %d were made and confirmed", len(list), jobs.sure)
	}
}

// dropMany puts files into the watched folder.
func (p *harness) dropMany(round int, end <-chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-end:
			return
		case <-time.After(5 * time.Millisecond):
			name := fmt.Sprintf("%d-%d.txt", round, n)
			tmp := filepath.Join(p.dir, "."+name)
			if os.WriteFile(tmp, []byte(name), 0o600) == nil {
				_ = os.Rename(tmp, filepath.Join(p.dir, "in", name)) // the test ends with or without it
			}
		}
	}
}

// churn makes jobs, and deletes every other.
type churn struct {
	p     *harness
	token string
	sure  int // are there, as somebody was told
}

func (c *churn) run(end <-chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-end:
			return
		default:
		}
		status, id := c.p.makeJob(c.token)
		if status != http.StatusOK {
			continue
		}
		if n%2 == 0 {
			c.sure++
			continue
		}
		c.p.request(http.MethodDelete, "/api/v2/jobs/"+id, c.token, "")
	}
}
