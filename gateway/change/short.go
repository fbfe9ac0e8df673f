package change

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"spool.internal/events"
)

// BuiltIn reports whether the built-in runner is the endpoint of calls.
type BuiltIn func(context.Context) (bool, error)

// HostDrives makes folders of the host drives. A [drive.Drives] does.
type HostDrives interface {
	// MayAdd refuses, with an [events.Error] without a field, what may be no drive.
	MayAdd(dir string) error
	// Know takes in one that is recorded.
	Know(p events.Path, dir string)
}

// Drives records them. A [jet.Bus] does.
type Drives interface {
	PutDrive(ctx context.Context, d events.HostDrive) error
	Drives(ctx context.Context) ([]events.HostDrive, error)
}

// Native turns what a caller of the native API sends to make or change a job into
// the form that is stored. An input or an output folder that is one of the host
// becomes a drive, which is recorded before a job can name it.
func (j *Jobs) Native(ctx context.Context, who Caller, o events.Object) (events.Object, error) {
	input, ok := text(o, "input")
	if ok && events.IsHostFolder(input) {
		p, err := j.hostDrive(ctx, who, "input", input)
		if err != nil {
			return nil, err
		}
		o = o.Set("input", p.String())
	}
	settings := o.Inner("settings")
	if out, ok := text(settings, "output_dir"); ok && events.IsHostFolder(out) {
		p, err := j.hostDrive(ctx, who, "settings.output_dir", out)
		if err != nil {
			return nil, err
		}
		o = o.Set("settings", settings.Set("output_dir", p.String()))
	}
	return events.Lengthen(o)
}

func (j *Jobs) hostDrive(ctx context.Context, who Caller, field, dir string) (events.Path, error) {
	p := events.HostPathAt(who.Owner, dir, j.Place)
	if who.Role != events.Admin {
		return p, events.Faultf(events.Forbidden, field, "only administrators may name a folder of the host: give a path like owner/repo/fs/drive/folder")
	}
	if j.HostDrives == nil {
		return p, events.Faultf(events.Unavailable, field, "this gateway has no drives: give a path like owner/repo/fs/drive/folder")
	}
	others, err := j.Drives.Drives(ctx)
	if err != nil {
		return p, err
	}
	for _, d := range others {
		if other, err := events.ParsePath("", d.Path); err == nil {
			j.HostDrives.Know(other, d.Host)
		}
	}
	if err := j.HostDrives.MayAdd(dir); err != nil {
		if fault, ok := errors.AsType[*events.Error](err); ok {
			return p, events.Faultf(fault.Code, field, "%s", fault.Message)
		}
		return p, err
	}
	if j.dry {
		return p, nil
	}
	j.HostDrives.Know(p, dir)
	err = j.Drives.PutDrive(ctx, events.HostDrive{Path: p.String(), Host: dir, By: who.Owner, At: time.Now().UTC()})
	if err == nil {
		j.Log.Info("folder of the host is a drive", "path", p.String(), "host_folder", dir, "user", who.Owner)
	}
	return p, err
}

func text(o events.Object, key string) (s string, ok bool) {
	raw, ok := o.Get(key)
	return s, ok && json.Unmarshal(raw, &s) == nil
}

// WithToken gives the parameters of a job that is to be made a token, where it
// needs none because its runs are the built-in runner's.
func (j *Jobs) WithToken(ctx context.Context, o events.Object) (events.Object, error) {
	flow := o.Inner("flow_parameters")
	if _, given := flow.Get("auth_token"); given || len(flow) == 0 {
		return o, nil
	}
	here, err := j.builtIn(ctx)
	if err != nil || !here {
		return o, err
	}
	return o.Set("flow_parameters", flow.Set("auth_token", events.NoToken)), nil
}
