package eventstest_test

import (
	"os"
	"testing"

	"spool.internal/events/eventstest"
)

func TestMain(m *testing.M) { os.Exit(eventstest.Main(m)) }
