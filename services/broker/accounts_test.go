package broker

import (
	"testing"
	"time"
)

// A start checks the accounts of the roles no more.
func TestAccountsAreValid(t *testing.T) {
	k := &keys{Since: time.Now().Unix()}
	if _, err := k.complete(false); err != nil {
		t.Fatal(err)
	}
	home, err := publicOf(k.Account)
	if err != nil {
		t.Fatal(err)
	}
	a := &accounts{home: home, roles: map[Role]string{}}
	for _, role := range Roles() {
		if a.roles[role], err = publicOf(k.Roles[role].Account); err != nil {
			t.Fatal(err)
		}
	}
	for _, role := range Roles() {
		c, err := a.roleClaims(role, k.Roles[role])
		if err != nil {
			t.Fatal(err)
		}
		if err := check(c); err != nil {
			t.Error(err)
		}
	}
}
