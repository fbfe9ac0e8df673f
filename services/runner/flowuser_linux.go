package runner

import (
	"errors"
	"os/user"
	"strconv"
	"strings"
)

// findUser finds a user by name, or takes the numbers uid or uid:gid.
func findUser(text string) (uid, gid int, err error) {
	name, group, both := strings.Cut(text, ":")
	u, err := user.Lookup(name)
	if uid, numErr := strconv.Atoi(name); err != nil && numErr == nil {
		if u, err = user.LookupId(name); err != nil { // nobody has to know the number
			u, err = &user.User{Uid: name, Gid: strconv.Itoa(uid)}, nil
		}
	}
	if err != nil {
		return 0, 0, err
	}
	if both {
		u.Gid = group
		if g, err := user.LookupGroup(group); err == nil {
			u.Gid = g.Gid
		}
	}
	uid, err = strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err = errors.Join(err, err2); err != nil {
		return 0, 0, err
	}
	if uid <= 0 || gid <= 0 {
		return 0, 0, errors.New("root is no user for flows: name one with no rights")
	}
	return uid, gid, nil
}
