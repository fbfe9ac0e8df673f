package faultpoint

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Each step is a place in the code, is in the list, and is where a test strikes.
func TestStepsArePlaces(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var code, tests strings.Builder
	for _, dir := range []string{"../jet", "../../services", "../../watcher", "../../cron", "../../gateway"} {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
				return err
			}
			text, err := os.ReadFile(path)
			if strings.HasSuffix(path, "_test.go") {
				tests.Write(text)
			} else {
				code.Write(text)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	constants := regexp.MustCompile(`(?m)^	(\w+)\s+= "([a-z.]+)"`).FindAllStringSubmatch(string(doc), -1)
	if len(constants) != len(Steps) {
		t.Errorf("%d constants, %d in the list", len(constants), len(Steps))
	}
	for _, c := range constants {
		if !slices.Contains(Steps, c[2]) {
			t.Errorf("%s is not in the list", c[2])
		}
		if !strings.Contains(code.String(), "faultpoint.Hit(faultpoint."+c[1]+")") {
			t.Errorf("nothing comes to %s", c[2])
		}
		if !regexp.MustCompile(`faultpoint\.` + c[1] + `\b`).MatchString(tests.String()) {
			t.Errorf("no test strikes at %s", c[2])
		}
	}
}
