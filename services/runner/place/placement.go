package place

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"spool.internal/events"
	"spool.internal/events/atomicfile"
	"spool.internal/events/drive"
	"spool.internal/events/fileid"
	"spool.internal/events/sorting"
	"spool.internal/services/runner/record"
)

// FileName is the file in the folder of a run that holds its [placement].
const FileName = "placement.json"

// Placement says where each file that a run wrote goes. It is on disk before the first file
// moves, so that the runner after one that was killed does the rest, and the flow does not run
// again.
type Placement struct {
	Event events.RunEvent `json:"event"`          // how the run ends
	In    string          `json:"in"`             // which folder is the output folder, see [folderID]
	Files []placed        `json:"files"`          //
	Back  string          `json:"back,omitzero"`  // why all of them go back; a sentence
	Final bool            `json:"final,omitzero"` // another attempt would end so, too
}

// placed is one file. It has arrived when it is no longer where it was. The paths are bytes, as
// the file system has them.
type placed struct {
	From   []byte `json:"from"`   // below the run's own folder
	To     []byte `json:"to"`     // below the output folder, but for its number
	Number int    `json:"number"` // see [drive.Numbered]
	Size   int64  `json:"size"`
}

func (f placed) from() (below, name string) { return path.Split(string(f.From)) }

func (f placed) to() (below, name string) {
	below, name = path.Split(string(f.To))
	return below, drive.Numbered(name, f.Number)
}

func (f placed) target() string { return path.Join(f.to()) }

// FolderID identifies an open folder, also against one that later has its name.
func FolderID(folder *os.Root) (string, error) {
	f, err := folder.Open(".")
	if err != nil {
		return "", err
	}
	is, err := fileid.Open(f)
	return fmt.Sprint(is.Inode, " ", is.Birth), errors.Join(err, f.Close())
}

// Read reads the placement of a run; nil when there is none.
func Read(dataDir, flowJobID string) (*Placement, error) {
	text, err := os.ReadFile(filepath.Join(record.Dir(dataDir, flowJobID), FileName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p := &Placement{}
	return p, json.Unmarshal(text, p)
}

// store writes it to disk: after a crash it is there as it is now, or as it was.
func (p *Placement) store(dir record.Folder) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return atomicfile.WriteIn(dir.Root, FileName+".new", FileName, text, 0o600)
}

// drop removes it, once the end of the run is stored.
func (p *Placement) drop(dir record.Folder) { _ = dir.Root.Remove(FileName) } // one that stays goes with the log

// Listed sorts the files of a run, and gives as many of them as its event may name.
func Listed(files []events.Output) []events.Output {
	sorting.By(files, func(a, b events.Output) int { return cmp.Compare(a.Path, b.Path) })
	size := 0
	for i, f := range files {
		if size += len(f.Path); i == events.MaxOutputs || size > events.MaxOutputNames {
			return files[:i]
		}
	}
	return files
}
