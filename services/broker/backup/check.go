package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"filippo.io/age"
	"github.com/nats-io/nats-server/v2/server"
)

// Checked is a backup that was read to its end and found whole.
type Checked struct {
	*Manifest
	KeyFiles map[string][]byte // of an encrypted one, by name

	file io.ReadSeeker
	ids  []age.Identity
}

// Check reads a backup to its end, changes nothing, and says why it is not whole. The file stays open for
// the restore.
func Check(file io.ReadSeeker, ids []age.Identity) (*Checked, error) {
	b, err := open(file, ids)
	if err != nil {
		return nil, err
	}
	defer b.close()
	c, err := b.check()
	if err != nil {
		return nil, plain(err)
	}
	c.file, c.ids = file, ids
	return c, nil
}

// again begins to read the file anew.
func (c *Checked) again() (*reader, error) {
	if _, err := c.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return open(c.file, c.ids)
}

func (b *reader) check() (*Checked, error) {
	c := &Checked{KeyFiles: map[string][]byte{}}
	found := map[string]Stream{}
	for b.err == nil && b.name != "" && b.name != manifestName {
		var err error
		if name, is := keyName(b.name); is {
			err = b.key(name, c.KeyFiles)
		} else {
			err = b.stream(found)
		}
		if err != nil {
			return nil, err
		}
	}
	switch {
	case b.err != nil:
		return nil, b.err
	case b.name == "":
		return nil, errCut
	}
	text, err := b.text()
	if err != nil {
		return nil, err
	}
	if c.Manifest, err = readManifest(text, b.head); err != nil {
		return nil, err
	}
	if b.next(); b.err != nil {
		return nil, b.err
	}
	if b.name != "" {
		return nil, fmt.Errorf("its entry %.60q comes after its manifest", b.name)
	}
	return c, c.compare(found)
}

func keyName(entry string) (name string, is bool) {
	if len(entry) > len(keysPrefix) && entry[:len(keysPrefix)] == keysPrefix {
		return entry[len(keysPrefix):], true
	}
	return "", false
}

func (b *reader) key(name string, into map[string][]byte) error {
	if _, twice := into[name]; twice || !keyNames.MatchString(name) || !b.head.Encrypted {
		return fmt.Errorf("its entry %.60q cannot be", b.name)
	}
	text, err := b.text()
	if err != nil {
		return err
	}
	into[name] = text
	b.next()
	return b.err
}

// stream reads a try of a stream. One that does not count may end anywhere.
func (b *reader) stream(found map[string]Stream) error {
	p, settings, err := b.part()
	if err != nil {
		return err
	}
	id := partName(p.stream, p.try)
	if _, twice := found[id]; twice {
		return fmt.Errorf("its entry %.60q is there twice", id)
	}
	var cfg server.StreamConfig
	if err := json.Unmarshal(settings, &cfg); err != nil || cfg.Name != p.stream {
		return fmt.Errorf("the settings of stream %s cannot be read", p.stream)
	}
	tally, wrong := visit(p, cfg, visitor{})
	if b.err != nil {
		return b.err
	}
	s, err := p.rest()
	if err != nil {
		return err
	}
	slices.Sort(tally.Consumers)
	if s.Tally = tally; wrong != nil {
		s.SHA256 = wrong.Error() // said if it turns out that this try counts
	}
	found[id] = s
	return nil
}

// compare holds what was found against the manifest, and keeps what only counting tells.
func (c *Checked) compare(found map[string]Stream) error {
	for i, want := range c.Streams {
		is, there := found[partName(want.Name, want.Try)]
		switch {
		case !there:
			return fmt.Errorf("stream %s is not in it", want.Name)
		case is.SHA256 != want.SHA256 || is.Size != want.Size || is.Pieces != want.Pieces:
			return fmt.Errorf("it is damaged: stream %s is not what was written (%.200s)", want.Name, is.SHA256)
		case is.Messages != want.Messages || is.First != want.First || is.Last != want.Last || !slices.Equal(is.Consumers, want.Consumers):
			return fmt.Errorf("stream %s has %d messages and %d consumers, and its manifest says %d and %d",
				want.Name, is.Messages, len(is.Consumers), want.Messages, len(want.Consumers))
		}
		c.Streams[i].Tally = is.Tally
	}
	if len(c.Keys) != len(c.KeyFiles) {
		return errors.New("its keys are not those of its manifest")
	}
	for _, k := range c.Keys {
		if text, there := c.KeyFiles[k.Name]; !there || sumOf(text) != k.SHA256 {
			return fmt.Errorf("it is damaged: %s is not what was written", k.Name)
		}
	}
	return nil
}
