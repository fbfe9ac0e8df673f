package store

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spool.internal/events/jet"
)

// message is a record as the server writes it.
func message(stream string, block int, seq uint64, subject, headers, text string) []byte {
	body := subject
	if headers != "" {
		body += string(binary.LittleEndian.AppendUint32(nil, uint32(len(headers)))) + headers
	}
	rec := make([]byte, headSize)
	length := uint32(headSize + len(body) + len(text) + sumSize)
	if headers != "" {
		length |= withHeaders
	}
	binary.LittleEndian.PutUint32(rec, length)
	binary.LittleEndian.PutUint64(rec[4:], seq)
	binary.LittleEndian.PutUint64(rec[12:], 1)
	binary.LittleEndian.PutUint16(rec[20:], uint16(len(subject)))
	sum := checksum(stream, block)
	sum.Write(rec[4:20])
	sum.Write([]byte(subject + headers + text))
	return sum.Sum(append(append(rec, body...), text...))
}

func messages(stream string, block int, from, to uint64) (text []byte) {
	for seq := from; seq <= to; seq++ {
		text = append(text, message(stream, block, seq, "spool.result.x", "", "some text")...)
	}
	return text
}

const size = headSize + len("spool.result.x") + len("some text") + sumSize // of each of those

// What counts as lost is what was noted, whatever lies behind it; what was never
// promised may be torn or missing.
func TestWhatIsLost(t *testing.T) {
	garbage := func(text []byte, record int) []byte {
		text = append([]byte{}, text...)
		copy(text[record*size+30:], "garbage")
		return text
	}
	const inOrder = "in order"
	ten, more := messages("S", 1, 1, 10), messages("S", 2, 11, 20)
	for _, c := range []struct {
		name   string
		blocks map[string][]byte
		note   *known
		lost   string // "" = nothing
	}{
		{"whole", map[string][]byte{"1.blk": ten, "2.blk": more}, &known{Last: 20}, ""},
		{"more than was noted", map[string][]byte{"1.blk": ten, "2.blk": more}, &known{Last: 12}, ""},
		{"torn beyond what was noted", map[string][]byte{"1.blk": ten, "2.blk": more[:len(more)-3]}, &known{Last: 19}, ""},
		{"torn in what was noted", map[string][]byte{"1.blk": ten, "2.blk": more[:len(more)-3]}, &known{Last: 20}, "from 20 to 20 is missing"},
		{"cut off between two messages", map[string][]byte{"1.blk": ten, "2.blk": more[:5*size]}, &known{Last: 20}, "from 16 to 20 is missing"},
		{"torn in an earlier block", map[string][]byte{"1.blk": ten[:len(ten)-3], "2.blk": more}, &known{Last: 20}, "1.blk cannot be read"},
		{"pages written out of order after what was noted", map[string][]byte{"1.blk": ten, "2.blk": garbage(more, 5)}, &known{Last: 15}, ""},
		{"a hole after what was noted, with no power cut", map[string][]byte{"1.blk": ten, "2.blk": garbage(more, 5)}, &known{Last: 15, Settings: inOrder}, "between 15 and 17"},
		{"torn after what was noted, with no power cut", map[string][]byte{"1.blk": ten, "2.blk": more[:len(more)-3]}, &known{Last: 15, Settings: inOrder}, ""},
		{"a hole in what was noted", map[string][]byte{"1.blk": ten, "2.blk": garbage(more, 5)}, &known{Last: 16}, "between 15 and 17"},
		{"a hole in the first block", map[string][]byte{"1.blk": garbage(ten, 0), "2.blk": more}, &known{Last: 20}, "between 0 and 2"},
		{"zeros at the end that nobody noted", map[string][]byte{"1.blk": ten, "2.blk": append(more[:5*size:5*size], make([]byte, 4096)...)}, &known{Last: 15}, ""},
		{"zeros at the end", map[string][]byte{"1.blk": ten, "2.blk": append(more[:5*size:5*size], make([]byte, 4096)...)}, &known{Last: 16}, "from 16 to 16 is missing"},
		{"a new block, empty", map[string][]byte{"1.blk": ten, "2.blk": nil}, &known{Last: 10}, ""},
		{"an earlier block, empty", map[string][]byte{"1.blk": nil, "2.blk": more}, &known{Last: 20}, "1.blk is empty"},
		{"only a marker", map[string][]byte{"7.blk": marker("S", 7, 20, 1)}, &known{Last: 20}, ""},
		{"nothing noted, torn", map[string][]byte{"1.blk": ten[:len(ten)-3]}, nil, ""},
		{"nothing noted, a hole", map[string][]byte{"1.blk": garbage(ten, 3)}, nil, "between 3 and 5"},
		{"closed, a block missing", map[string][]byte{"2.blk": more}, &known{Last: 20, Blocks: map[string]int64{"1.blk": int64(len(ten)), "2.blk": int64(len(more))}}, "1.blk is missing"},
		{"closed, and used by an older version", map[string][]byte{"2.blk": more}, &known{Last: 12, Blocks: map[string]int64{"1.blk": int64(len(ten))}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range c.blocks {
				file := filepath.Join(dir, "S", blocksDir, name)
				if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			streams, err := readStreams(dir)
			if err != nil {
				t.Fatal(err)
			}
			streams["S"].inOrder = c.note != nil && c.note.Settings == inOrder
			got := strings.Join(streams["S"].lost(c.note), "; ")
			if (got == "") != (c.lost == "") || !strings.Contains(got, c.lost) {
				t.Errorf("lost: %q, want %q", got, c.lost)
			}
		})
	}
}

// A purge of everything that was cut off has its block in another folder.
func TestPurgeThatWasCutOff(t *testing.T) {
	dir := t.TempDir()
	for file, text := range map[string][]byte{
		"S/" + blocksDir + "/1.blk":    messages("S", 1, 1, 10)[:100],
		"S/" + newBlocksDir + "/2.blk": marker("S", 2, 10, 1),
	} {
		file = filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	streams, err := readStreams(dir)
	if err != nil {
		t.Fatal(err)
	}
	if lost := streams["S"].lost(&known{Last: 10}); len(lost) > 0 {
		t.Errorf("lost: %q", lost)
	}
}

// Jobs that are missing are counted, whatever was made and deleted since the note.
func TestJobsLost(t *testing.T) {
	const created, updated, deleted = "created", "updated", "deleted"
	type event struct {
		seq uint64
		job string
		did string // "" = the message of this sequence was removed
	}
	known := JobsKnown{Seq: 10, Live: 3}
	was := []event{{1, "a", created}, {2, "b", created}, {3, "c", created}, {4, "b", updated}, {5, "d", created}, {10, "d", deleted}}
	for name, c := range map[string]struct {
		events []event
		lost   int
	}{
		"as it was":               {was, 0},
		"one made since":          {append(was[:6:6], event{11, "e", created}, event{12, "e", updated}), 0},
		"one deleted since":       {append(was[:6:6], event{11, "a", deleted}, event{1, "", ""}), 0},
		"one gone":                {was[1:], 1},
		"one gone, another made":  {append(was[1:6:6], event{11, "e", created}), 1},
		"one taken out":           {append(was[:6:6], event{3, "", ""}), 1},
		"the older events gone":   {[]event{was[0], was[2], was[3], was[5]}, 0},
		"the newest of one gone":  {[]event{was[0], was[1], was[2], was[4], was[5]}, 0},
		"nothing there":           {nil, 3},
		"a deleted one forgotten": {was[:4], 0},
	} {
		j := newJobs()
		for _, e := range c.events {
			r := record{seq: e.seq, subject: []byte(jet.JobsPrefix + e.job), headers: []byte("ce-type: " + jet.JobsPrefix + e.did + "\r\n")}
			if e.did == "" {
				r = record{seq: e.seq, bits: removed}
			}
			j.take(r)
		}
		if got := j.fewer(known); got != c.lost {
			t.Errorf("%s: %d lost, want %d", name, got, c.lost)
		}
	}
}

func TestNote(t *testing.T) {
	dir := t.TempDir()
	if n, err := readNote(dir); n != nil || err != nil {
		t.Errorf("none: %v, %v", n, err)
	}
	n := &note{Streams: map[string]*known{"S": {Last: 7}}}
	if err := n.write(dir); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, noteFile)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty": "", "garbage": "garbage", "cut off": string(whole[:len(whole)/2]), "another number": strings.Replace(string(whole), `"last":7`, `"last":8`, 1),
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readNote(dir); err == nil || !strings.Contains(err.Error(), file+" is damaged") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
