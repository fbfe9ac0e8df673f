package browser

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A week of history is lived, not written: a build of spool for tests has a clock that is
// set forward while it runs, as the clock of a machine can be. Timers go on as they are;
// what time it is comes from one func of the standard library, which that build has with an
// offset. STEPPED_CLOCK is the offset to begin with; "step SECONDS" on standard input adds.

// steppedClock is what the build has beside its own code.
const steppedClock = `package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"time"
)

func init() {
	begin, err := strconv.ParseInt(os.Getenv("STEPPED_CLOCK"), 10, 64)
	if err != nil {
		return
	}
	time.Step(begin)
	go func() {
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			var seconds int64
			if _, err := fmt.Sscanf(lines.Text(), "step %d", &seconds); err == nil {
				time.Step(seconds)
			}
		}
	}()
}
`

// buildStepped builds that spool into a folder and gives its path.
func buildStepped(dir string) (string, error) {
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	place := filepath.Join(strings.TrimSpace(string(goroot)), "src/time/time.go")
	text, err := os.ReadFile(place)
	if err != nil {
		return "", err
	}
	const now = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	if strings.Count(string(text), now) != 1 {
		return "", fmt.Errorf("time.Now is not what it was in Go 1.26: %s", place)
	}
	patched := strings.Replace(string(text), now, "var stepped int64\n\nfunc Step(seconds int64) { stepped += seconds }\n\n"+now+"\tsec += stepped\n", 1)
	cmd, err := filepath.Abs("../cmd/spool")
	if err != nil {
		return "", err
	}
	replaced := map[string]string{}
	for original, text := range map[string]string{place: patched, filepath.Join(cmd, "stepped.go"): steppedClock} {
		file := filepath.Join(dir, filepath.Base(original))
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return "", err
		}
		replaced[original] = file
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o644); err != nil {
		return "", err
	}
	out := filepath.Join(dir, "spool-stepped")
	if text, err := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", out, "../cmd/spool").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, text)
	}
	return out, nil
}
