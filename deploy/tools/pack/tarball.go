package main

import (
	"archive/tar"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
)

// writeTarball writes all files below one folder, as they are installed below /.
func writeTarball(o options, arch string, all []file) error {
	name := fmt.Sprintf("spool-%s-linux-%s", o.version, arch)
	out, err := os.Create(filepath.Join(o.out, name+".tar.gz"))
	if err != nil {
		return err
	}
	zip, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	w := tar.NewWriter(zip)
	for _, f := range all {
		head := &tar.Header{
			Typeflag: tar.TypeReg, Name: name + "/" + f.to, Size: int64(len(f.text)), Mode: int64(f.mode),
			ModTime: o.date, Uname: "root", Gname: "root", Format: tar.FormatPAX,
		}
		if err := w.WriteHeader(head); err != nil {
			return err
		}
		if _, err := w.Write(f.text); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	return out.Close()
}
