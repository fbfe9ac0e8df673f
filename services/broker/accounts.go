package broker

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

// How long an answer may still come after the last one. Reads have a request that
// may lead to many, so that nobody says which is the last.
const (
	readAnswers = 15 * time.Second
	pullAnswers = time.Minute // longer than any client lets a pull stand still
)

// answerWithin is how long a role may answer a subscriber.
const answerWithin = time.Minute

// accounts are what the server knows of whom it lets in. Spool's own account holds
// the streams and is that of the services in this process. Each role outside is an
// account too, without streams, which imports its rights as services one by one: the
// server publishes the answer to a request to whatever subject the request names,
// and so does it in the account that asked.
type accounts struct {
	operator nkeys.KeyPair
	home     string          // public key of Spool's account
	gateway  string          // public key of the gateways' account
	roles    map[Role]string // those of the accounts of all roles
	resolver server.AccountResolver
}

// onDemand has the account of a role signed when it is first asked for: all of them take a while, and a start
// needs two. It is for a server alone: one of a cluster takes only the server's own resolver for complete.
type onDemand struct {
	server.AccountResolver
	sign func(id string) error // stores it; does nothing for an account that is not that of a role
}

func (r *onDemand) Fetch(id string) (string, error) {
	token, err := r.AccountResolver.Fetch(id)
	if !errors.Is(err, server.ErrMissingAccount) {
		return token, err
	}
	if err := r.sign(id); err != nil {
		return "", err
	}
	return r.AccountResolver.Fetch(id)
}

// When the accounts of the roles are signed. Only who comes from outside has one.
type signing int

const (
	never  signing = iota
	asked          // when they are asked for
	atOnce         // before the server starts
)

// trust makes the server accept what these keys have signed, and nobody else.
func (k *keys) trust(opts *server.Options, roles signing) (*accounts, error) {
	operator, err := nkeys.FromSeed([]byte(k.Operator))
	if err != nil {
		return nil, fmt.Errorf("operator key: %w", err)
	}
	public, err1 := operator.PublicKey()
	system, err2 := publicOf(k.System)
	home, err3 := publicOf(k.Account)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	a := &accounts{operator: operator, home: home, roles: map[Role]string{}, resolver: &server.MemAccResolver{}}
	for _, role := range Roles() {
		if a.roles[role], err = publicOf(k.Roles[role].Account); err != nil {
			return nil, err
		}
	}
	a.gateway = a.roles[Gateway]
	if roles == asked {
		a.resolver = &onDemand{a.resolver, func(id string) error { return a.storeRole(k, id) }}
	}
	opts.TrustedKeys, opts.AccountResolver, opts.SystemAccount = []string{public}, a.resolver, system
	for _, c := range []*jwt.AccountClaims{named(system, "system"), a.homeClaims(time.Unix(k.Since, 0))} {
		if err := a.store(c); err != nil {
			return nil, err
		}
	}
	if roles == atOnce {
		for _, id := range a.roles {
			if err := a.storeRole(k, id); err != nil {
				return nil, err
			}
		}
	}
	return a, nil
}

// storeRole signs the account of a role, which has this public key; others have none to be signed.
func (a *accounts) storeRole(k *keys, id string) error {
	for role, of := range a.roles {
		if of != id {
			continue
		}
		c, err := a.roleClaims(role, k.Roles[role])
		if err != nil {
			return fmt.Errorf("account %s: %w", role, err)
		}
		return a.store(c)
	}
	return nil
}

// check reports what the server would not take of an account. Those of the roles are the same at each
// start, and take a while: a test checks them.
func check(c *jwt.AccountClaims) error {
	found := jwt.CreateValidationResults()
	if c.Validate(found); found.IsBlocking(false) {
		return fmt.Errorf("account %s: %w", c.Name, errors.Join(found.Errors()...))
	}
	return nil
}

func (a *accounts) store(c *jwt.AccountClaims) error {
	token, err := c.Encode(a.operator)
	if err != nil {
		return fmt.Errorf("account %s: %w", c.Name, err)
	}
	return a.resolver.Store(c.Subject, token)
}

func named(id, name string) *jwt.AccountClaims {
	c := jwt.NewAccountClaims(id)
	c.Name = name
	return c
}

func (a *accounts) homeClaims(since time.Time) *jwt.AccountClaims {
	c := named(a.home, "spool")
	c.Limits.JetStreamLimits = jwt.JetStreamLimits{
		MemoryStorage: jwt.NoLimit, DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit,
		Consumer: jwt.NoLimit, MaxAckPending: jwt.NoLimit,
	}
	c.RevokeAt(jwt.All, since)
	for _, e := range homeExports() {
		c.Exports.Add(e.claim())
	}
	return c
}

// roleClaims makes the account of a role. The scope of its signing key says the same
// once more: what only an account lacks goes nowhere, what a scope lacks is told to
// the client as a violation of its permissions.
func (a *accounts) roleClaims(role Role, k roleKeys) (*jwt.AccountClaims, error) {
	signer, err := publicOf(k.Signer)
	if err != nil {
		return nil, err
	}
	c := named(a.roles[role], string(role))
	scope := jwt.NewUserScope()
	scope.Key, scope.Role = signer, string(role)
	scope.Template.Sub.Allow.Add("_INBOX." + string(role) + ".>")
	r := rightsOf(role)
	for _, g := range r.gates(role) {
		c.Imports.Add(a.service(g))
		scope.Template.Pub.Allow.Add(g.local)
	}
	for _, subject := range r.Hear {
		c.Imports.Add(&jwt.Import{
			Name: "hints " + subject, Subject: jwt.Subject(hintPrefix + subject), LocalSubject: jwt.RenamingSubject(subject), Account: a.home, Type: jwt.Stream,
		})
		scope.Template.Sub.Allow.Add(subject)
	}
	for _, subject := range r.Answer {
		c.Exports.Add(export{subject: subject}.claim())
		scope.Template.Sub.Allow.Add(subject)
		scope.Template.Resp = &jwt.ResponsePermission{MaxMsgs: 1, Expires: answerWithin}
	}
	if r.Service {
		scope.Template.Sub.Allow.Add("$SRV.>") // within its account, where nobody asks
	}
	c.SigningKeys.AddScopedSigner(scope)
	return c, nil
}

func (a *accounts) service(g gate) *jwt.Import {
	i := &jwt.Import{Name: g.local, Subject: jwt.Subject(g.main), Account: a.home, Type: jwt.Service}
	if g.of != "" {
		i.Account = a.roles[g.of]
	}
	if g.local != g.main {
		i.LocalSubject = jwt.RenamingSubject(g.local)
	}
	return i
}
