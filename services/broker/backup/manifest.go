package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Format is the form of a backup that this program writes; it reads that and none newer.
const Format = 1

// Names of entries. Those of streams are streams/NAME/TRY/000001, each try of a stream that had to
// be taken again in a folder of its own; the manifest says which one counts.
const (
	headName     = "spool-backup.json"
	manifestName = "manifest.json"
	keysPrefix   = "keys/"
	configName   = "config.json"
)

// How large an entry may be.
const (
	pieceSize = 1 << 20
	textSize  = 16 << 20
)

// Head says what a backup is of.
type Head struct {
	Format    int       `json:"format"`
	Spool     string    `json:"spool"` // the version that made it
	Made      time.Time `json:"made"`  // when it was begun: what was acknowledged before is in it
	Encrypted bool      `json:"encrypted"`
	Store     Store     `json:"store"`
}

// Store says which store a backup is of.
type Store struct {
	Format  int    `json:"format"`            // of what is stored
	Cluster string `json:"cluster,omitzero"`  // its name; "" = a store of one machine
	ID      string `json:"id,omitzero"`       // of the cluster
	Machine string `json:"machine,omitzero"`  // on which it was taken
	SealKey string `json:"seal_key,omitzero"` // id of the key that secrets of jobs are sealed with
}

// Manifest is what a backup holds. It is the last entry.
type Manifest struct {
	Head
	Ended   time.Time `json:"ended"`
	Streams []Stream  `json:"streams"` // in the order of the file
	Keys    []Key     `json:"keys,omitzero"`
}

// Stream is one stream in a backup.
type Stream struct {
	Name   string `json:"name"`
	Try    int    `json:"try"` // which of its tries counts
	Pieces int    `json:"pieces"`
	Size   int64  `json:"size"` // bytes of all pieces
	SHA256 string `json:"sha256"`
	Tally
}

// Tally is what a stream holds, as it was counted.
type Tally struct {
	Messages  uint64   `json:"messages"`
	First     uint64   `json:"first"` // sequence of the oldest one there could be
	Last      uint64   `json:"last"`  // sequence that was given out last
	Consumers []string `json:"consumers,omitzero"`

	expired, soon uint64 // messages that have expired by now, and within the hour; not in the manifest
}

// Key is a file of keys in an encrypted backup.
type Key struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// Messages counts those of all streams.
func (m *Manifest) Messages() (n uint64) {
	for _, s := range m.Streams {
		n += s.Messages
	}
	return n
}

// Consumers counts those of all streams.
func (m *Manifest) Consumers() (n int) {
	for _, s := range m.Streams {
		n += len(s.Consumers)
	}
	return n
}

func (m *Manifest) stream(name string) *Stream {
	for i := range m.Streams {
		if m.Streams[i].Name == name {
			return &m.Streams[i]
		}
	}
	return nil
}

// Key names the files of keys that may be in a backup. A name of the file is never made a path.
var keyNames = regexp.MustCompile(`^[a-z][a-z0-9]*(\.[a-z0-9]+){1,2}$`)

// streamName is a stream that this program would make a folder of: the NATS server does.
var streamName = regexp.MustCompile(`^[A-Z][A-Z_]{0,40}$`)

var errFormat = errors.New("it is of a newer format")

func readHead(text []byte) (h Head, err error) {
	if err := json.Unmarshal(text, &h); err != nil {
		return h, fmt.Errorf("it does not say what it is of: %w", err)
	}
	if h.Format > Format {
		return h, fmt.Errorf("%w (%d, made by Spool %.40q): this Spool reads formats up to %d, use a newer one", errFormat, h.Format, h.Spool, Format)
	}
	if h.Format < 1 || h.Made.IsZero() {
		return h, errors.New("it does not say what it is of")
	}
	return h, nil
}

// readManifest reads a manifest and refuses one that contradicts itself.
func readManifest(text []byte, h Head) (*Manifest, error) {
	m := &Manifest{}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("its manifest cannot be read: %w", err)
	}
	if m.Head != h {
		return nil, errors.New("its manifest is of another backup")
	}
	seen := map[string]bool{}
	for _, s := range m.Streams {
		if !streamName.MatchString(s.Name) || seen[s.Name] || s.Try < 1 || s.Pieces < 1 {
			return nil, fmt.Errorf("its manifest has a stream %.40q that cannot be", s.Name)
		}
		seen[s.Name] = true
	}
	for _, k := range m.Keys {
		if !keyNames.MatchString(k.Name) || seen[k.Name] {
			return nil, fmt.Errorf("its manifest has a key %.40q that cannot be", k.Name)
		}
		seen[k.Name] = true
	}
	return m, nil
}
