package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"spool.internal/services/importer/systemd"
)

// regular are the files of a folder.
func regular(names []string) ([]string, error) {
	return within(names[0], func(name string) bool { return !strings.HasPrefix(name, ".") })
}

// documents are the files of YAML and JSON of a folder.
func documents(names []string) ([]string, error) {
	return within(names[0], func(name string) bool {
		return slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name))
	})
}

func within(dir string, wanted func(string) bool) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if info, err := os.Stat(filepath.Join(dir, e.Name())); err == nil && info.Mode().IsRegular() && wanted(e.Name()) {
			names = append(names, filepath.Join(dir, e.Name()))
		}
	}
	return names, err
}

// units are a timer, or the timers of a folder, with the services that they start.
func units(names []string) ([]string, error) {
	timers := names
	if info, err := os.Stat(names[0]); err == nil && info.IsDir() {
		var err error
		if timers, err = within(names[0], func(name string) bool { return strings.HasSuffix(name, ".timer") }); err != nil {
			return nil, err
		}
	}
	all := slices.Clone(timers)
	for _, timer := range timers {
		text, err := os.ReadFile(timer)
		if err != nil {
			return nil, err
		}
		for _, service := range systemd.Services(filepath.Base(timer), text) {
			path := filepath.Join(filepath.Dir(timer), service)
			if _, err := os.Stat(path); err == nil && !slices.Contains(all, path) {
				all = append(all, path)
			}
		}
		for _, unit := range append(systemd.Services(filepath.Base(timer), text), filepath.Base(timer)) {
			if more, err := within(filepath.Join(filepath.Dir(timer), unit+".d"), func(name string) bool { return strings.HasSuffix(name, ".conf") }); err == nil {
				all = append(all, more...)
			}
		}
	}
	return all, nil
}

// hostZone is the zone of this host, UTC where it does not say.
func hostZone() string {
	if zone := os.Getenv("TZ"); zone != "" {
		return strings.TrimPrefix(zone, ":")
	}
	if text, err := os.ReadFile("/etc/timezone"); err == nil {
		if zone := strings.TrimSpace(string(text)); zone != "" {
			return zone
		}
	}
	if link, err := filepath.EvalSymlinks("/etc/localtime"); err == nil {
		if _, zone, ok := strings.Cut(filepath.ToSlash(link), "/zoneinfo/"); ok {
			return zone
		}
	}
	return "UTC"
}
