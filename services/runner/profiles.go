package runner

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/wait"
)

// profiles are the profiles of this runner: those of its flags, and those of a file that is read again
// when it changes. It is safe for concurrent use.
type profiles struct {
	fixed  []events.Profile
	path   string // of the file; empty = there is none
	drives *drive.Drives

	mu    sync.Mutex
	all   []events.Profile
	seen  os.FileInfo // the file as it was when it was read
	fault error       // why the file as it is now is not in use
}

// newProfiles fails when a profile that is declared at the start is not valid.
func newProfiles(cfg Config) (*profiles, error) {
	p := &profiles{path: cfg.ProfilesFile, drives: cfg.Drives}
	for _, text := range cfg.Profiles {
		some, err := events.ParseProfiles(text)
		if err != nil {
			return nil, events.Faultf(events.Invalid, "profile", "%q: %v", text, err)
		}
		p.fixed = append(p.fixed, some...)
	}
	var err error
	if p.all, err = p.whole(nil); err != nil {
		return nil, events.Faultf(events.Invalid, "profile", "%v", err)
	}
	if p.path != "" {
		p.look()
		if p.fault != nil {
			return nil, events.Faultf(events.Invalid, "profiles", "%v", p.fault)
		}
	}
	return p, nil
}

// whole adds profiles to those of the flags, and checks all of them.
func (p *profiles) whole(more []events.Profile) ([]events.Profile, error) {
	all := slices.Concat(p.fixed, more)
	for i, one := range all {
		if slices.ContainsFunc(all[:i], func(o events.Profile) bool { return o.Name == one.Name }) {
			return nil, fmt.Errorf("profile %q is declared twice", one.Name)
		}
		for _, g := range grantsOf(one) {
			if err := p.drives.Clear(g.path); err != nil {
				return nil, fmt.Errorf("profile %q: %s %s: flows would get Spool's secrets: %w", one.Name, g.word, g.path, err)
			}
		}
	}
	return all, nil
}

// look reads the file when it has changed. A file that is not valid changes nothing.
func (p *profiles) look() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.path == "" {
		return
	}
	info, err := os.Stat(p.path)
	if err == nil && p.seen != nil && os.SameFile(info, p.seen) && info.Size() == p.seen.Size() && info.ModTime().Equal(p.seen.ModTime()) {
		return
	}
	var all []events.Profile
	if err == nil {
		all, err = p.read(info)
	}
	p.seen, p.fault = info, err
	if err == nil {
		p.all = all
	}
}

func (p *profiles) read(info os.FileInfo) ([]events.Profile, error) {
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf("%s is no file that its owner alone can write to, and whoever writes to it grants: chmod go-w it", p.path)
	}
	text, err := os.ReadFile(p.path)
	if err != nil {
		return nil, err
	}
	some, err := events.ParseProfiles(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.path, err)
	}
	return p.whole(some)
}

// shown are the profiles as others may see them.
func (p *profiles) shown() []events.Profile {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []events.Profile
	for _, one := range p.all {
		all = append(all, one.Shown())
	}
	return all
}

// note is a sentence on what is wrong with the file.
func (p *profiles) note() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault == nil {
		return nil
	}
	return []string{"the profiles are those of before: " + p.fault.Error()}
}

// granted is everything that the profiles of a run grant. It fails when the run's owner may no longer
// name one of them.
func (p *profiles) granted(run events.Run) (events.Profile, error) {
	p.look()
	p.mu.Lock()
	defer p.mu.Unlock()
	var named []events.Profile
	for _, name := range run.Profiles {
		at := slices.IndexFunc(p.all, func(o events.Profile) bool { return o.Name == name })
		if at < 0 {
			return events.Profile{}, events.Faultf(events.NotFound, "spool.run.profiles", "%q is not declared where this run was to start: an administrator declares it with --profile or --profiles, or the job leaves it out", name)
		}
		if err := p.all[at].MayName(run.Owner, run.Role); err != nil {
			return events.Profile{}, err
		}
		named = append(named, p.all[at])
	}
	return events.JoinProfiles(named), nil
}

// profilesEvery is how often the file of profiles is checked for changes.
const profilesEvery = time.Second

// keepProfiles publishes the profiles when their file has changed, until ctx ends.
func (r *Runner) keepProfiles(ctx context.Context) {
	if r.profiles.path == "" {
		return
	}
	logged, published := "", events.Encode(r.profiles.shown())
	for ; ctx.Err() == nil; _ = wait.Sleep(ctx, profilesEvery) {
		r.profiles.look()
		if note := strings.Join(r.profiles.note(), ""); note != logged {
			if logged = note; logged != "" {
				r.log.Warn("profiles are not read", "cause", logged)
			}
		}
		if now := events.Encode(r.profiles.shown()); !bytes.Equal(now, published) && r.Announce(ctx) == nil {
			published = now
			r.log.Info("profiles were read", "path", r.profiles.path)
		}
	}
}
