package main

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
)

// everything makes credentials for everything, with the broker's own keys from its data
// folder.
func everything(p *harness) []byte {
	p.Helper()
	return everythingOf(p, filepath.Join(p.data, "nats", "keys.json"))
}

// everythingOf makes them with the keys in a file.
func everythingOf(p *harness, file string) []byte {
	p.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		p.Fatal(err)
	}
	var keys struct {
		Account string `json:"account"`
	}
	if err := json.Unmarshal(text, &keys); err != nil {
		p.Fatal(err)
	}
	account, err := nkeys.FromSeed([]byte(keys.Account))
	if err != nil {
		p.Fatal(err)
	}
	user, err := nkeys.CreateUser()
	if err != nil {
		p.Fatal(err)
	}
	id, _ := user.PublicKey()
	seed, _ := user.Seed()
	token, err := jwt.NewUserClaims(id).Encode(account)
	if err != nil {
		p.Fatal(err)
	}
	creds, err := jwt.FormatUserConfig(token, seed)
	if err != nil {
		p.Fatal(err)
	}
	return creds
}
