package jet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
)

// Change is what [Bus.Ensure] does to one stream.
type Change struct {
	Stream string
	New    bool
	Fields []FieldChange // empty: the stream is as it should be

	config jetstream.StreamConfig
}

// FieldChange is a setting of a stream, as NATS spells it: what it is, which is empty
// where it is not set, and what it will be.
type FieldChange struct{ Name, Is, Will string }

// Plan says what [Bus.Ensure] would do, stream by stream, and does nothing.
func (b *Bus) Plan(ctx context.Context, t Topology) ([]Change, error) {
	streams := t.streams()
	if b.beside() {
		return b.planAll(ctx, streams)
	}
	all, errs := make([]Change, len(streams)), make([]error, len(streams))
	var wg sync.WaitGroup
	for i, cfg := range streams {
		wg.Go(func() { all[i], errs[i] = b.planStream(ctx, cfg) })
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("stream %s: %w", streams[i].Name, err)
		}
	}
	return all, nil
}

// planAll asks the one server for all its streams at once.
func (b *Bus) planAll(ctx context.Context, streams []jetstream.StreamConfig) (all []Change, err error) {
	there, had := b.js.ListStreams(ctx), map[string]jetstream.StreamConfig{}
	for info := range there.Info() {
		had[info.Config.Name] = info.Config
	}
	if err := there.Err(); err != nil {
		return nil, b.fault("", err)
	}
	for _, cfg := range streams {
		c := added(cfg)
		if is, ok := had[cfg.Name]; ok {
			if c, err = changed(is, cfg); err != nil {
				return nil, fmt.Errorf("stream %s: %w", cfg.Name, err)
			}
		}
		all = append(all, c)
	}
	return all, nil
}

// Ensure makes the streams and buckets that are not there and brings the others
// up to date. A stream never shrinks: its bytes were promised to what is in it.
func (b *Bus) Ensure(ctx context.Context, t Topology) error {
	if err := b.knows(ctx); err != nil {
		return err
	}
	plan, err := b.Plan(ctx, t)
	if err != nil {
		return err
	}
	return b.Apply(ctx, plan)
}

// Apply does what was planned.
func (b *Bus) Apply(ctx context.Context, plan []Change) error {
	for _, c := range plan {
		if len(c.Fields) == 0 {
			continue
		}
		if _, err := b.js.CreateOrUpdateStream(ctx, c.config); err != nil {
			return fmt.Errorf("stream %s: %w", c.Stream, b.fault(c.Stream, err))
		}
	}
	return nil
}

func (b *Bus) planStream(ctx context.Context, want jetstream.StreamConfig) (Change, error) {
	stream, err := b.js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return added(want), nil
	}
	if err != nil {
		return Change{}, b.fault(want.Name, err)
	}
	return changed(stream.CachedInfo().Config, want)
}

// added is what makes a stream.
func added(want jetstream.StreamConfig) Change {
	return Change{Stream: want.Name, New: true, Fields: differences(jetstream.StreamConfig{}, want), config: want}
}

// changed is what brings a stream up to date.
func changed(had, want jetstream.StreamConfig) (Change, error) {
	c := Change{Stream: want.Name}
	if had.Retention != want.Retention {
		return c, errors.New("is that of an older Spool, which only the broker that holds its store can change: start spool broker or spool serve of this version on its data folder")
	}
	setBound(&want, max(boundOf(want), boundOf(had)))
	c.config = overlaid(had, want)
	c.Fields = differences(had, c.config)
	return c, nil
}

// overlaid is a stream that exists with all that Spool says of it. What Spool says
// nothing of stays, such as where somebody placed it.
func overlaid(had, want jetstream.StreamConfig) jetstream.StreamConfig {
	cfg := had
	cfg.Subjects, cfg.Discard, cfg.DiscardNewPerSubject = want.Subjects, want.Discard, want.DiscardNewPerSubject
	cfg.MaxBytes, cfg.MaxAge, cfg.MaxMsgsPerSubject = want.MaxBytes, want.MaxAge, want.MaxMsgsPerSubject
	cfg.MaxConsumers, cfg.Storage, cfg.Replicas = want.MaxConsumers, want.Storage, want.Replicas
	cfg.AllowDirect, cfg.AllowRollup, cfg.DenyDelete = want.AllowDirect, want.AllowRollup, want.DenyDelete
	cfg.AllowMsgTTL, cfg.AllowAtomicPublish = want.AllowMsgTTL, want.AllowAtomicPublish
	cfg.Metadata = maps.Clone(had.Metadata)
	for k, v := range want.Metadata {
		if cfg.Metadata == nil {
			cfg.Metadata = map[string]string{}
		}
		cfg.Metadata[k] = v
	}
	return cfg
}

// differences lists the settings in which two streams differ. A server fills in what is
// not set: -1 for no limit, and its own metadata.
func differences(is, will jetstream.StreamConfig) []FieldChange {
	old, wanted := settingsOf(is), settingsOf(will)
	var all []FieldChange
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if old[name] != wanted[name] {
			all = append(all, FieldChange{name, old[name], wanted[name]})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if _, ok := wanted[name]; !ok {
			all = append(all, FieldChange{name, old[name], ""})
		}
	}
	return all
}

func settingsOf(cfg jetstream.StreamConfig) map[string]string {
	cfg.Metadata = maps.Clone(cfg.Metadata)
	maps.DeleteFunc(cfg.Metadata, func(k, _ string) bool { return strings.HasPrefix(k, "_nats.") })
	cfg.Subjects = slices.Sorted(slices.Values(cfg.Subjects))
	var text bytes.Buffer
	write := json.NewEncoder(&text)
	write.SetEscapeHTML(false) // a person reads it
	err := write.Encode(cfg)
	fields := map[string]json.RawMessage{}
	if err == nil {
		err = json.Unmarshal(text.Bytes(), &fields)
	}
	if err != nil {
		panic(err) // a type of the client's, which it sends like this
	}
	settings := map[string]string{}
	for name, value := range fields {
		switch v := string(value); v {
		case "0", "-1", "false", `""`, "null", "[]", "{}":
		default:
			settings[name] = strings.Trim(v, `"`)
		}
	}
	if cfg.Name == "" {
		return map[string]string{} // no stream: what the zero values are called does not matter
	}
	delete(settings, "name")
	return settings
}
