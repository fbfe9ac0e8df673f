package events

import (
	"testing"
	"time"
)

// What a token may see and write, for every role and one that is not known.
func TestTokenMay(t *testing.T) {
	for _, c := range []struct {
		role                                    Role
		own, others, nobodys, write, administer bool
	}{
		{Admin, true, true, true, true, true},
		{Operator, true, false, false, true, false},
		{Viewer, true, false, false, false, false},
		{"later", true, false, false, false, false},
		{"", true, false, false, false, false},
	} {
		token := Token{Owner: "ann", Role: c.role}
		if token.MaySee("ann") != c.own || token.MaySee("bob") != c.others || token.MaySee("") != c.nobodys {
			t.Errorf("%q sees its own, others' and nobody's: %v %v %v", c.role, token.MaySee("ann"), token.MaySee("bob"), token.MaySee(""))
		}
		if err := token.MayWrite(); (err == nil) != c.write || err != nil && CodeOf(err) != Forbidden || c.role.MayWrite() != c.write {
			t.Errorf("%q writes: %v", c.role, err)
		}
		if err := token.MayAdminister(); (err == nil) != c.administer || err != nil && CodeOf(err) != Forbidden {
			t.Errorf("%q administers: %v", c.role, err)
		}
		if (Token{Role: c.role}).MaySee("") != c.nobodys {
			t.Errorf("%q without an owner sees what is nobody's", c.role)
		}
		for name, want := range map[string]string{"": "ann", "ann": "ann", "bob": "bob", "*": ""} {
			owner, err := token.OwnerFor(name)
			if refused := !c.others && name != "" && name != "ann"; refused != (CodeOf(err) == Forbidden) || !refused && owner != want {
				t.Errorf("%q asks for %q: %q, %v", c.role, name, owner, err)
			}
		}
	}
}

func TestTokenText(t *testing.T) {
	now := time.Now()
	token, text := NewToken("ann", Viewer, now)
	if token.ID == "" || TokenID(text) != token.ID || !token.Matches(text) || token.Matches(text+"x") || TokenID("spool_x") != "" || TokenID("other_1_2") != "" {
		t.Errorf("%+v is not %q", token, text)
	}
	if token.Expired(now.Add(time.Hour)) {
		t.Error("a token without an end has ended")
	}
	token.Expires = now.Add(time.Minute)
	if token.Expired(now) || !token.Expired(token.Expires) {
		t.Error("a token ends at another time than its own")
	}
}
