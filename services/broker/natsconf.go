package broker

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"spool.internal/services/broker/cluster"
)

// NATSConf is a bundle as the configuration of a nats-server, with its store in a folder. Accounts of
// subscribers are not in it: they are followed by Spool's own servers alone.
func NATSConf(b *cluster.Bundle, store string) (string, error) {
	k, err := parseKeys(b.Path(cluster.Keys), b.Text(cluster.Keys))
	if err != nil {
		return "", err
	}
	if _, err := k.complete(true); err != nil {
		return "", err
	}
	opts := &server.Options{}
	a, err := k.trust(opts, atOnce)
	if err != nil {
		return "", err
	}
	operator, err := operatorClaims(a.operator, b.Name)
	if err != nil {
		return "", err
	}
	tokens := map[string]string{}
	for _, id := range append(slices.Collect(maps.Values(a.roles)), opts.SystemAccount, a.home) {
		if tokens[id], err = a.resolver.Fetch(id); err != nil {
			return "", err
		}
	}
	host, port, err := net.SplitHostPort(b.Address())
	if err != nil {
		return "", err
	}
	var text strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&text, format+"\n", args...) }
	say("# Machine %s of the cluster %s, made by spool cluster nats-conf from its bundle.", b.Machine, b.Name)
	say("server_name: %q\nlisten: \"127.0.0.1:4222\" # with tls { … } for other machines", b.Machine)
	say("jetstream { store_dir: %q, sync_interval: always }", store)
	say("cluster {\n  name: %q\n  listen: %q\n  advertise: %q", b.NATSName(), net.JoinHostPort(listenHost(host), port), b.Address())
	say("  tls { cert_file: %q, key_file: %q, ca_file: %q, verify: true, timeout: %d }", b.Path(cluster.Certificate), b.Path(cluster.PrivateKey), b.Path(cluster.CA), int(routeTLS/time.Second))
	say("  routes: [")
	for _, r := range routes(b) {
		say("    %q", r.String())
	}
	say("  ]\n}\noperator: %q\nsystem_account: %q\nresolver: MEMORY\nresolver_preload {", operator, opts.SystemAccount)
	for _, id := range slices.Sorted(maps.Keys(tokens)) {
		say("  %s: %q", id, tokens[id])
	}
	say("}")
	return text.String(), nil
}

func operatorClaims(key nkeys.KeyPair, name string) (string, error) {
	id, err1 := key.PublicKey()
	claims := jwt.NewOperatorClaims(id)
	claims.Name = name
	token, err2 := claims.Encode(key)
	return token, errors.Join(err1, err2)
}
