// Command pack makes the packages of Spool out of programs that are built: for each
// architecture a .deb, an .rpm and a tarball, with a list of what is in the program (CycloneDX)
// and the checksums of all.
//
//	pack -root REPO -programs DIR -out DIR -version 1.2.3 -commit HASH -date SECONDS
//
// programs holds spool_ARCH for each architecture. What it writes depends on these alone: no
// clock, no host, no user; so two people get the same bytes.
package main

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// options say what is packed.
type options struct {
	root     string    // the repository
	programs string    // folder with spool_ARCH
	out      string    // folder for the packages; it is emptied
	version  string    // without v
	commit   string    // that it is built of
	date     time.Time // of the commit
	arches   []string
}

func main() {
	var o options
	var seconds int64
	flag.StringVar(&o.root, "root", ".", "the repository")
	flag.StringVar(&o.programs, "programs", "", "folder with spool_ARCH")
	flag.StringVar(&o.out, "out", "", "folder for the packages")
	flag.StringVar(&o.version, "version", "", "version, such as 1.2.3")
	flag.StringVar(&o.commit, "commit", "", "commit that it is built of")
	flag.Int64Var(&seconds, "date", 0, "date of the commit, in seconds since 1970")
	arches := flag.String("arches", "amd64 arm64", "architectures")
	flag.Parse()
	o.arches = strings.Fields(*arches)
	o.date = time.Unix(seconds, 0).UTC()
	if err := pack(o); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

// pack writes everything.
func pack(o options) error {
	if o.version == "" || o.out == "" || o.programs == "" {
		return errors.New("-version, -out and -programs are needed")
	}
	if err := os.RemoveAll(o.out); err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	for _, arch := range o.arches {
		program := filepath.Join(o.programs, "spool_"+arch)
		sbom := filepath.Join(o.out, fmt.Sprintf("spool-%s-linux-%s.cdx.json", o.version, arch))
		if err := writeSBOM(o, program, arch, sbom); err != nil {
			return fmt.Errorf("%s: %w", program, err)
		}
		files, err := contents(o, program, sbom)
		if err != nil {
			return err
		}
		for _, format := range []string{"deb", "rpm"} {
			if err := writePackage(o, format, arch, files); err != nil {
				return fmt.Errorf("%s for %s: %w", format, arch, err)
			}
		}
		if err := writeTarball(o, arch, files); err != nil {
			return fmt.Errorf("tarball for %s: %w", arch, err)
		}
	}
	return writeSums(o.out)
}

// writeSums writes SHA256SUMS, which sha256sum -c reads.
func writeSums(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var lines []string
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		lines = append(lines, fmt.Sprintf("%x  %s\n", sha256.Sum256(text), e.Name()))
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[66:], b[66:]) })
	return os.WriteFile(filepath.Join(dir, "SHA256SUMS"), []byte(strings.Join(lines, "")), 0o644)
}
