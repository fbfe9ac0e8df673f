package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

const about = `Runs jobs by the clock, by files and on request
 One binary in place of crontab, an inotify script and a "did it run?" page. Every slot of a
 schedule, every file and every request ends as one recorded outcome, whatever is killed in between.`

// writePackage writes a .deb or an .rpm.
func writePackage(o options, format, arch string, all []file) error {
	stage, err := os.MkdirTemp("", "spool-pack-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(stage)
	info := &nfpm.Info{
		Name: "spool", Arch: arch, Platform: "linux", Version: o.version, VersionSchema: "none", Release: "1",
		Section: "admin", Priority: "optional", Maintainer: "The Spool authors <root@localhost>", Vendor: "Spool",
		Description: about, License: "Apache-2.0", MTime: o.date, DisableGlobbing: true,
	}
	info.Umask = 0o022
	info.Scripts = nfpm.Scripts{
		PostInstall: filepath.Join(o.root, "deploy/package/postinst.sh"),
		PreRemove:   filepath.Join(o.root, "deploy/package/prerm.sh"),
		PostRemove:  filepath.Join(o.root, "deploy/package/postrm.sh"),
	}
	info.RPM.BuildHost, info.RPM.Compression = "reproducible", "zstd"
	info.RPM.Summary = "Runs jobs by the clock, by files and on request"
	info.Deb.Compression = "gzip"
	info.Recommends = []string{"tzdata"}
	for i, f := range all {
		from := filepath.Join(stage, fmt.Sprint(i))
		if err := os.WriteFile(from, f.text, 0o644); err != nil {
			return err
		}
		c := &files.Content{Source: from, Destination: "/" + f.to, FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: f.mode, MTime: o.date}}
		if f.config {
			c.Type = files.TypeConfigNoReplace
		}
		info.Contents = append(info.Contents, c)
	}
	info = nfpm.WithDefaults(info)
	packager, err := nfpm.Get(format)
	if err != nil {
		return err
	}
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		return err
	}
	out, err := os.Create(filepath.Join(o.out, packager.ConventionalFileName(info)))
	if err != nil {
		return err
	}
	if err := packager.Package(info, out); err != nil {
		return err
	}
	return out.Close()
}
