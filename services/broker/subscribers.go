package broker

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// What one subscriber may cost, and how many there may be.
const (
	maxSubscribers     = 1000
	subscriberConns    = 16
	subscriberSubjects = 64
	subscriberPayload  = 64 << 10 // a pull, or an ack with a reason
)

// subscribers are the accounts of programs that react to events, one each. What is
// stored of them is followed, so that every broker of a store knows the same ones.
// Their keys are derived from a secret of the broker: nothing of them is stored.
type subscribers struct {
	bus      *jet.Bus
	srv      *current
	accounts *accounts
	secret   []byte
	log      *slog.Logger

	mu    sync.Mutex
	known map[string]stored // by name

	stop context.CancelFunc
	done chan struct{}
}

// stored is a subscriber and where it stands in its stream.
type stored struct {
	events.Subscriber
	seq uint64
}

// open lets the stored subscribers in, follows what is stored of them from then on,
// and answers gateways.
func (s *subscribers) open(ctx context.Context) error {
	newest, _, err := s.bus.SubscriberChanges().Last(ctx)
	if err != nil {
		return err
	}
	reached := make(chan struct{})
	if newest.Sequence == 0 {
		close(reached)
	}
	following, stop := context.WithCancel(context.Background())
	s.stop, s.done = stop, make(chan struct{})
	go func() { // ended by close
		defer close(s.done)
		passed := newest.Sequence == 0
		for following.Err() == nil {
			_ = s.bus.SubscriberChanges().Follow(following, jet.LastEach, func(m jet.Entry[events.Subscriber]) {
				s.take(following, m)
				if !passed && m.Sequence >= newest.Sequence {
					passed = true
					close(reached)
				}
			})
		}
	}()
	select {
	case <-reached:
	case <-ctx.Done():
		return fmt.Errorf("read the subscribers: %w", context.Cause(ctx))
	}
	return s.bus.AnswerSubscribers(s.create, s.revoke)
}

func (s *subscribers) close() {
	if s.stop != nil {
		s.stop()
		<-s.done
	}
}

func (s *subscribers) take(ctx context.Context, m jet.Entry[events.Subscriber]) {
	sub, err := m.Value()
	if err == nil {
		err = s.apply(ctx, stored{sub, m.Sequence})
	}
	if err != nil {
		s.log.Error("a subscriber cannot be let in", "name", sub.Name, "error", err.Error())
	}
}

// apply makes the accounts what is stored of a subscriber. What is known to be older
// than what was applied changes nothing.
func (s *subscribers) apply(ctx context.Context, sub stored) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, known := s.known[sub.Name]
	if known && old.seq >= sub.seq {
		return nil
	}
	if known && !old.Created.Equal(sub.Created) {
		if err := s.shut(old.Subscriber); err != nil {
			return err
		}
	}
	if !sub.Open(time.Now()) {
		s.known[sub.Name] = sub
		return errors.Join(s.shut(sub.Subscriber), s.bus.CloseSubscriber(ctx, sub.Subscriber))
	}
	if err := s.bus.OpenSubscriber(ctx, sub.Subscriber); err != nil {
		return err
	}
	k, err := s.keys(sub.Subscriber)
	if err != nil {
		return err
	}
	claims, err := s.accounts.subscriberClaims(sub.Subscriber, k)
	if err != nil {
		return err
	}
	s.known[sub.Name] = sub
	return s.update(claims)
}

// shut takes everything from a subscriber's account and cuts off who is connected.
func (s *subscribers) shut(sub events.Subscriber) error {
	k, err := s.keys(sub)
	if err != nil {
		return err
	}
	id, err := publicOf(k.Account)
	if err != nil {
		return err
	}
	claims := named(id, "subscriber "+sub.Name)
	claims.RevokeAt(jwt.All, time.Now())
	claims.Limits.Conn = 0
	return s.update(claims)
}

func (s *subscribers) update(claims *jwt.AccountClaims) error {
	err := check(claims)
	if err == nil {
		err = s.accounts.store(claims)
	}
	if err != nil {
		return err
	}
	srv := s.srv.now() // the next one reads what is stored
	if account, err := srv.LookupAccount(claims.Subject); err == nil {
		srv.UpdateAccountClaims(account, claims)
	}
	return nil
}

// keys derives the keys of a subscriber's account. One that is made anew under the
// same name has others.
func (s *subscribers) keys(sub events.Subscriber) (roleKeys, error) {
	derive := func(use string) (string, error) {
		mac := hmac.New(sha256.New, s.secret)
		mac.Write([]byte(use + "|" + sub.Name + "|" + strconv.FormatInt(sub.Created.UnixNano(), 10)))
		kp, err := nkeys.FromRawSeed(nkeys.PrefixByteAccount, mac.Sum(nil))
		if err != nil {
			return "", fmt.Errorf("keys of subscriber %s: %w", sub.Name, err)
		}
		seed, err := kp.Seed()
		return string(seed), err
	}
	account, err1 := derive("account")
	signer, err2 := derive("signer")
	return roleKeys{account, signer}, errors.Join(err1, err2)
}

// create stores a subscriber and gives its credentials.
func (s *subscribers) create(ctx context.Context, ask events.Subscriber) (made jet.SubscriberMade, err error) {
	ask.Created, ask.Revoked = time.Now().UTC(), time.Time{}
	sub, err := jet.NewSubscriber(ask)
	if err != nil {
		return made, err
	}
	if !sub.Open(sub.Created) {
		return made, events.Faultf(events.Invalid, "expires", "%s is over", sub.Expires.Format(time.RFC3339))
	}
	old, at, err := s.bus.Subscriber(ctx, sub.Name)
	if err != nil {
		return made, err
	}
	if at > 0 && old.Open(sub.Created) {
		return made, events.Faultf(events.Conflict, "name", "there is a subscriber %s: revoke it first, or choose another name", sub.Name)
	}
	if at == 0 && s.count() >= maxSubscribers {
		return made, events.Faultf(events.Full, "", "there are %d subscribers already: make one under the name of one that is revoked", maxSubscribers)
	}
	if at > 0 { // what it had not read is not for another
		if err := s.bus.CloseSubscriber(ctx, old); err != nil {
			return made, err
		}
	}
	k, err := s.keys(sub)
	if err != nil {
		return made, err
	}
	seq, err := s.bus.PutSubscriber(ctx, sub, at)
	if jet.IsConflict(err) {
		err = events.Faultf(events.Conflict, "name", "somebody else has just made a subscriber %s: choose another name", sub.Name)
	}
	if err != nil {
		return made, err
	}
	if err := s.apply(ctx, stored{sub, seq}); err != nil {
		return made, err
	}
	creds, err := k.subscriber(sub)
	return jet.SubscriberMade{Subscriber: sub, Credentials: string(creds)}, err
}

func (s *subscribers) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.known)
}

// revoke ends a subscriber. It is cut off before the answer.
func (s *subscribers) revoke(ctx context.Context, ask events.Subscriber) (made jet.SubscriberMade, err error) {
	if !events.IsToken(ask.Name) {
		return made, events.Faultf(events.NotFound, "name", "no such subscriber")
	}
	for {
		sub, at, err := s.bus.Subscriber(ctx, ask.Name)
		if err != nil {
			return made, err
		}
		if at == 0 || !sub.Revoked.IsZero() {
			return made, events.Faultf(events.NotFound, "name", "no such subscriber")
		}
		sub.Revoked = time.Now().UTC()
		seq, err := s.bus.PutSubscriber(ctx, sub, at)
		if jet.IsConflict(err) {
			continue // what it is now is revoked
		}
		if err != nil {
			return made, err
		}
		return jet.SubscriberMade{Subscriber: sub}, s.apply(ctx, stored{sub, seq})
	}
}

// subscriberClaims makes the account of a subscriber: it pulls from its consumer,
// asks how that stands, and acks; one that may trigger asks gateways for that.
func (a *accounts) subscriberClaims(sub events.Subscriber, k roleKeys) (*jwt.AccountClaims, error) {
	id, err1 := publicOf(k.Account)
	signer, err2 := publicOf(k.Signer)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	c := named(id, "subscriber "+sub.Name)
	c.Limits.Conn, c.Limits.LeafNodeConn, c.Limits.Exports = subscriberConns, 0, 0
	scope := jwt.NewUserScope()
	scope.Key, scope.Role = signer, "subscriber"
	scope.Template.Subs, scope.Template.Payload = subscriberSubjects, subscriberPayload
	scope.Template.Sub.Allow.Add("_INBOX.>")
	at := sub.Stream + "." + sub.Consumer()
	for _, g := range []gate{
		{local: "$JS.API.INFO", main: nowhere},
		{local: "$JS.API.CONSUMER.MSG.NEXT." + at, main: "$JS.API.CONSUMER.MSG.NEXT." + at},
		{local: "$JS.API.CONSUMER.INFO." + at, main: "$JS.API.CONSUMER.INFO." + at},
		{local: "$JS.ACK." + at + ".>", main: "$JS.ACK." + at + ".>"},
	} {
		c.Imports.Add(a.service(g))
		scope.Template.Pub.Allow.Add(g.local)
	}
	if sub.Trigger {
		c.Imports.Add(&jwt.Import{
			Name: jet.AskTrigger, Subject: jwt.Subject(jet.AskedBy(sub.Name)), LocalSubject: jet.AskTrigger, Account: a.gateway, Type: jwt.Service,
		})
		scope.Template.Pub.Allow.Add(jet.AskTrigger)
	}
	c.SigningKeys.AddScopedSigner(scope)
	return c, nil
}
