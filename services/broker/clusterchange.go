package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events/jet"
	"spool.internal/events/wait"
)

// errNoLeader says that nobody can change a cluster.
var errNoLeader = errors.New("the cluster has no leader, so nothing about it can be changed: start the machines that are away; when two of three are lost for good, spool cluster rescue on the one that is left")

// codeNotRescued refuses a rescue, of a cluster that has a leader or has just lost it above all.
const codeNotRescued = 10224

// callAPI asks JetStream and reads the answer.
func callAPI(ctx context.Context, nc *nats.Conn, request string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return askAPI(ctx, nc, request, text, answer)
}

// askAPI is callAPI with a body that is written already.
func askAPI(ctx context.Context, nc *nats.Conn, request string, body []byte, answer any) error {
	m, err := nc.RequestWithContext(ctx, "$JS.API."+request, body)
	if err != nil {
		return err
	}
	var failed struct {
		Error *server.ApiError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &failed); err != nil {
		return err
	}
	if failed.Error != nil {
		return failed.Error
	}
	return json.Unmarshal(m.Data, answer)
}

// Remove takes a machine out of the cluster for good. Its name is barred for five minutes.
func (a *Admin) Remove(ctx context.Context, machine string) error {
	limited, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var done server.JSApiMetaServerRemoveResponse
	err := callAPI(limited, a.sys, "SERVER.REMOVE", server.JSApiMetaServerRemoveRequest{Server: machine}, &done)
	if errors.Is(err, nats.ErrNoResponders) {
		return errNoLeader
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", machine, err)
	}
	return nil
}

// StepDown has other machines lead what this one leads, streams and the machines themselves. It gives how
// many streams it led.
func (a *Admin) StepDown(ctx context.Context, machine string) (n int, err error) {
	for range 50 {
		c, err := a.Look(ctx)
		if err != nil {
			return n, err
		}
		led := slices.DeleteFunc(slices.Clone(c.Streams), func(s StreamState) bool { return s.Leader != machine })
		n = max(n, len(led))
		if len(led) == 0 && c.Leader != machine {
			return n, nil
		}
		for _, s := range led {
			var done server.ApiResponse
			if err := callAPI(ctx, a.home, "STREAM.LEADER.STEPDOWN."+s.Name, struct{}{}, &done); err != nil && !leaderless(err) {
				return n, fmt.Errorf("%s: %w", s.Name, err)
			}
		}
		if c.Leader == machine {
			var done server.ApiResponse
			if err := callAPI(ctx, a.sys, "META.LEADER.STEPDOWN", struct{}{}, &done); err != nil && !leaderless(err) {
				return n, fmt.Errorf("the machines: %w", err)
			}
		}
		if err := wait.Sleep(ctx, 200*time.Millisecond); err != nil {
			return n, err
		}
	}
	return n, errors.New("this machine still leads: no other is current")
}

// leaderless reports that what was asked to step down has no leader at this moment, or another one: who looks
// again sees which.
func leaderless(err error) bool {
	said, ok := errors.AsType[*server.ApiError](err)
	return ok && (said.ErrCode == uint16(server.JSClusterNotAvailErr) || said.ErrCode == uint16(server.JSClusterNotLeaderErr))
}

// rescueFor is how long the steps of a rescue may take.
const rescueFor = 2 * time.Minute

// Rescue makes this machine the cluster, without those that are lost: what it has is what there is from
// then on. The lost ones may never come back. The cluster must have no leader. say is told of each step.
// NATS copies every stream to machines that join later, by itself.
func (a *Admin) Rescue(ctx context.Context, lost []string, say func(string)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, rescueFor, errors.New("the rescue has not come to its end: look at spool cluster status, and run it again"))
	defer cancel()
	var done server.JSApiMetaRescueResponse
	for {
		err := callAPI(ctx, a.sys, "META.RESCUE", server.JSApiMetaRescueRequest{QuorumNeeded: 1}, &done)
		if err == nil {
			break
		}
		early, ok := errors.AsType[*server.ApiError](err) // it has not missed the leader yet
		if !ok || early.ErrCode != codeNotRescued || wait.Sleep(ctx, 500*time.Millisecond) != nil {
			return fmt.Errorf("the quorum of the machines is not lowered: %w", err)
		}
	}
	say(fmt.Sprintf("one machine decides now, where %d did", done.PrevQuorum))
	for _, machine := range lost {
		for {
			err := a.Remove(ctx, machine)
			if gone, ok := errors.AsType[*server.ApiError](err); err == nil || ok && gone.ErrCode == uint16(server.JSClusterServerNotMemberErr) {
				break
			}
			if wait.Sleep(ctx, 500*time.Millisecond) != nil {
				return errors.Join(context.Cause(ctx), err)
			}
		}
		say(machine + " is removed")
	}
	if err := a.lead(ctx, say); err != nil {
		return err
	}
	return a.dropLost(ctx, say)
}

// dropAtOnce is how many consumers are asked for at the same time: there is one for each folder with files.
const dropAtOnce = 32

// dropLost takes out the consumers whose only copy was on a lost machine. Who works on their queue makes
// them anew; until then nobody could list the consumers of the stream.
func (a *Admin) dropLost(ctx context.Context, say func(string)) error {
	js, err := jetstream.New(a.home)
	if err != nil {
		return err
	}
	stream, err := js.Stream(ctx, jet.FilesStream)
	if err != nil {
		return fmt.Errorf("stream %s: %w", jet.FilesStream, err)
	}
	var asking sync.WaitGroup
	var lost atomic.Int64
	places := make(chan struct{}, dropAtOnce)
	names := stream.ConsumerNames(ctx)
	for name := range names.Name() {
		places <- struct{}{}
		asking.Go(func() {
			defer func() { <-places }()
			if answers(ctx, stream, name) {
				return
			}
			limited, cancel := context.WithTimeout(ctx, 2*time.Second)
			defer cancel()
			_ = stream.DeleteConsumer(limited, name) // nobody may answer for it, but it is taken out
			lost.Add(1)
		})
	}
	asking.Wait()
	if n := lost.Load(); n > 0 {
		say(fmt.Sprintf("%d queues of files are begun anew: what was called last may be called again, with the same key", n))
	}
	return names.Err()
}

// answers reports whether a consumer is there. For one whose only copy is lost nobody answers, or the server
// does that has given it another place, where it gets no leader; one that is there may miss a question or two
// while leaders change.
func answers(ctx context.Context, stream jetstream.Stream, name string) bool {
	for range 4 {
		limited, cancel := context.WithTimeout(ctx, time.Second)
		c, err := stream.Consumer(limited, name)
		cancel()
		if err == nil && jet.HasLeader(c.CachedInfo()) || errors.Is(err, jetstream.ErrConsumerNotFound) || wait.Sleep(ctx, 500*time.Millisecond) != nil {
			return true
		}
	}
	return false
}

// lead waits until every stream has a leader.
func (a *Admin) lead(ctx context.Context, say func(string)) error {
	for {
		c, err := a.Look(ctx)
		if err == nil && c.Leader != "" && len(c.Streams) > 0 && !slices.ContainsFunc(c.Streams, func(s StreamState) bool { return s.Leader == "" }) {
			say(fmt.Sprintf("%d streams have a leader", len(c.Streams)))
			return nil
		}
		if wait.Sleep(ctx, 500*time.Millisecond) != nil {
			return errors.Join(context.Cause(ctx), err)
		}
	}
}
