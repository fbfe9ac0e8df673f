# Spool needs Go and make, nothing else. `make help` lists the targets.

PORT ?= 8080
BIN  := bin

# The race detector needs cgo and a C compiler; without one the tests run all the same.
RACE := $(shell if [ "$$(go env CGO_ENABLED)" = 1 ] && command -v "$$(go env CC | cut -d' ' -f1)" >/dev/null 2>&1; then echo -race; fi)
MODULES := events gateway cron watcher services
# The database of known vulnerabilities; make check does without when it cannot be reached.
VULNDB ?= https://vuln.go.dev
tool = $$(GOWORK=off go -C deploy/tools tool -n $(1))

# No target is a file.
.PHONY: $(shell sed -n 's/^\([a-z0-9-]*\):.*/\1/p' $(firstword $(MAKEFILE_LIST)))

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## build spool and run the demo on 127.0.0.1:8080 (PORT=… changes it)
	@[ -x $(BIN)/spool ] || echo "Building spool. The first build takes about a minute."
	@$(MAKE) --no-print-directory build
	@exec $(BIN)/spool demo --listen 127.0.0.1:$(PORT)

build: gate ## build bin/spool
	@CGO_ENABLED=0 go build -trimpath -buildvcs=auto -o $(BIN)/spool ./services/cmd/spool

# The program that starts flows, of which spool carries a copy for the system it is built for.
gate:
	@CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o services/runner/built/gate_$$(go env GOOS)_$$(go env GOARCH) ./services/runner/gate

test: gate ## run the tests, and print how much of each package they run (about 10 minutes on two cores)
	@[ -n "$(RACE)" ] || echo "no C compiler: the tests run without the race detector"
	@command -v rsync >/dev/null || echo "rsync is absent: the writer zoo does to files what it does"
	@[ "$$(id -u)" = 0 ] || echo "not root: the writer zoo leaves out what only root can set up (a device, another owner, a read-only folder)"
	@mkdir -p $(BIN)
	@# events/schedule starts no goroutine, and counts its minutes by the million: without the race detector it takes 3 s, with it minutes
	@{ set -x; go test -short $(RACE) -timeout 20m -coverprofile $(BIN)/coverage.out $$(go list work | grep -v /schedule$$) && \
		go test -short -coverprofile $(BIN)/coverage.schedule ./events/schedule; echo $$? >$(BIN)/test.status; } 2>&1 | tee $(BIN)/test.log
	@if [ "$$(cat $(BIN)/test.status)" = 0 ]; then awk -f .ci/coverage.awk $(BIN)/coverage.out $(BIN)/coverage.schedule; \
		else echo; echo "What failed:"; grep -E -A 2 '^ *--- FAIL|^panic:|^FAIL' $(BIN)/test.log | tail -n 60; exit 1; fi

test-long: gate ## run the tests that take longer or need more (about 10 minutes)
	@go test -count 1 -v -run '^TestTenAreHere$$' ./services/runner/programs | grep 'NOT SHOWN' || true
	go test -run "^TestLong" -timeout 30m work

test-programs: gate ## run what people run (services/runner/programs/PROGRAMS.md) under the whole sandbox (2 minutes)
	SPOOL_PROGRAMS=1 go test -count 1 -v -run '^TestAllPrograms$$' -timeout 20m ./services/runner/programs

test-ui: gate ## all that the dashboard is judged by, in a real Chromium (10 minutes)
	SPOOL_BROWSER=1 go test -count 1 -v -timeout 30m ./services/browser

screenshots: gate ## write every page of the dashboard, light and dark, at 1440 and 390 px, into bin/screenshots
	SPOOL_SCREENSHOTS=$(CURDIR)/$(BIN)/screenshots go test -count 1 -v -run '^TestScreenshots$$' -timeout 20m ./services/browser | grep -E 'pictures|^(---|FAIL|ok)'

week: gate ## have the demo live a week for the pictures, into deploy/demo/week.tar.gz (15 minutes)
	SPOOL_WEEK=1 go test -count 1 -v -run '^TestMakeWeek$$' -timeout 40m ./services/browser

chaos: gate ## the tests that kill processes for minutes on end (about 10 minutes each)
	SPOOL_CHAOS=1 go test -p 1 -count 1 -v -run '^TestChaos' -timeout 60m work

# So many minutes for each form; CHAOS_SCALE=0.2 is a fifth of the load, CHAOS_ONLY='kill|cut' some faults alone.
CHAOS_MINUTES ?= 10
# The version from which it upgrades: a commit, or OLD=path of a program.
OLD_COMMIT ?= 45ae5fe

chaos-cluster: gate ## three machines, each killed, stopped, restarted, cut off and full in turn, under load; an upgrade (10 minutes for each form; CHAOS_MINUTES=3)
	@rm -f $(BIN)/chaos-cluster.md; mkdir -p $(BIN)
	@old="$(OLD)"; if [ -z "$$old" ]; then old=$(CURDIR)/$(BIN)/spool-old; tree=$$(mktemp -d); \
		if git worktree add -q --detach $$tree $(OLD_COMMIT) 2>/dev/null; then \
			(cd $$tree && $(MAKE) -s gate && CGO_ENABLED=0 go build -trimpath -o $$old ./services/cmd/spool) || old=; git worktree remove --force $$tree; \
		else echo "NO UPGRADE IS SHOWN: $(OLD_COMMIT) is not in this history; OLD=path of an older spool does"; old=; rmdir $$tree; fi; fi; \
	set -x; OLD=$$old CHAOS_MINUTES=$(CHAOS_MINUTES) go test -p 1 -count 1 -v -run '^TestChaosCluster' -timeout 120m ./services/cmd/spool

capacity: ## measure what items cost, and check the arithmetic of deploy/CAPACITY.md at 10,000, 100,000 and 1,000,000 jobs (10 minutes)
	CAPACITY=1 go test -count 1 -v -run '^TestCapacity$$' -timeout 60m ./services/cmd/spool

bench-cluster: ## what one nats-server and three do a second, and what each item costs (3 minutes)
	@mkdir -p $(BIN)
	BENCH_CLUSTER=1 go test -count 1 -v -run '^TestClusterFigures$$' -timeout 30m ./services/cmd/spool

cases: build ## faults reported of other programs, tried with bin/spool (2 minutes; CASES="12 17" tries these alone)
	BIN=$(BIN)/spool bash deploy/cases/run.sh

check: ## formatting, vet, static analysis, tidiness, known vulnerabilities
	@out=$$($(call tool,gofumpt) -l $(MODULES) deploy); [ -z "$$out" ] || { echo "not gofumpt-clean:"; echo "$$out"; exit 1; }
	@mkdir -p $(BIN); ($(call client,$(CURDIR)/$(BIN)/client.gen)) && cmp -s $(BIN)/client.gen gateway/client/client.gen.go || \
		{ echo "gateway/client/client.gen.go is not what gateway/openapi.yaml makes: run make generate"; exit 1; }
	@$(call bundle,$(BIN)/spool.js) && cmp -s $(BIN)/spool.js gateway/ui/assets/spool.js || \
		{ echo "gateway/ui/assets/spool.js is not what gateway/ui/modules make: run make generate"; exit 1; }
	@for os in linux darwin windows; do echo "vet $$os"; GOOS=$$os CGO_ENABLED=0 go vet work || exit 1; done
	@echo staticcheck; $(call tool,staticcheck) work
	@echo "go fix"; go fix -diff work
	@for m in $(MODULES); do echo "tidy $$m"; go -C $$m mod tidy -diff || exit 1; done
	@echo "tidy subscriber"; GOWORK=off go -C deploy/demo/subscriber mod tidy -diff
	@echo "vet subscriber"; GOWORK=off go -C deploy/demo/subscriber vet ./...
	@echo "vet receiver"; go vet deploy/demo/receiver/main.go
	@echo "vet tools"; GOWORK=off go -C deploy/tools vet ./...
	@echo "systemd units"; bash deploy/systemd/check.sh
	@echo "Kubernetes manifests"; GOWORK=off go -C deploy/tools/k8s run . ../../kustomize/base ../../kustomize/single ../../kustomize/external-nats
	@echo "Prometheus rules"; GOWORK=off go -C deploy/tools/rules run . ../../prometheus/spool.rules.yml
	@for m in k8s rules pack; do GOWORK=off go -C deploy/tools/$$m vet . && GOWORK=off go -C deploy/tools/$$m mod tidy -diff || exit 1; done
	@GOWORK=off go -C deploy/tools build -o $(CURDIR)/$(BIN)/vulncheck ./vulncheck && $(BIN)/vulncheck -db $(VULNDB) "$(call tool,govulncheck)" services

# The client of the native API, made of its specification.
client = program=$(call tool,oapi-codegen) && cd gateway/client && "$$program" -config oapi-codegen.yaml -o $(1) ../openapi.yaml

# The script of the dashboard, made of its modules.
bundle = GOWORK=off go -C deploy/tools run ./bundle $(CURDIR)/gateway/ui/modules/main.js >$(1).new && mv $(1).new $(1)

generate: ## write what is made of other files: gateway/client/client.gen.go and the documents of gateway/openapi.yaml, gateway/ui/assets/spool.js of gateway/ui/modules
	@$(call client,client.gen.go)
	@$(call bundle,gateway/ui/assets/spool.js)
	@go test -count 1 -run '^TestDocsAreUpToDate$$' ./gateway -update >/dev/null

licenses: ## write the licences of what is linked into spool, after a dependency changed
	@GOWORK=off go -C deploy/tools run ./licenses $(CURDIR) >services/cmd/spool/licenses.txt.new && mv services/cmd/spool/licenses.txt.new services/cmd/spool/licenses.txt && gzip -9nf --keep services/cmd/spool/licenses.txt

size: gate ## print how large spool is without its symbols, and the largest packages in it
	@CGO_ENABLED=0 go build -trimpath -o $(BIN)/spool.size ./services/cmd/spool && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o $(BIN)/spool.stripped ./services/cmd/spool
	@wc -c <$(BIN)/spool.stripped | awk '{ printf "%.1f MB stripped\n", $$1 / 1e6 }'
	@go tool nm -size $(BIN)/spool.size | awk -f .ci/size.awk | sort -rn | awk 'NR <= 25'
	@rm $(BIN)/spool.size $(BIN)/spool.stripped

# The version of packages: the last tag, or the date of the commit before there is one.
COMMIT   = $(shell git rev-parse HEAD)
DATE     = $(shell git show -s --format=%ct HEAD)
VERSION ?= $(or $(patsubst v%,%,$(shell git describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null)),0.0.0~git$(shell TZ=UTC0 git show -s --date=format-local:%Y%m%d%H%M%S --format=%cd.%h HEAD))

ARCHES  ?= amd64 arm64

package: ## make a .deb, an .rpm and a tarball for amd64 and arm64, with checksums and SBOM, in bin/packages
	@for arch in $(ARCHES); do \
		GOOS=linux GOARCH=$$arch $(MAKE) --no-print-directory gate && \
		CGO_ENABLED=0 GOOS=linux GOARCH=$$arch go build -trimpath -buildvcs=auto -ldflags '-s -w' -o $(BIN)/programs/spool_$$arch ./services/cmd/spool || exit 1; \
	done
	@GOWORK=off go -C deploy/tools/pack run . -root $(CURDIR) -programs $(CURDIR)/$(BIN)/programs -out $(CURDIR)/$(BIN)/packages \
		-version '$(VERSION)' -commit $(COMMIT) -date $(DATE) -arches '$(ARCHES)'
	@cat $(BIN)/packages/SHA256SUMS

package-test: ## install the packages of this machine into roots of their own, start them and have a file processed (1 minute)
	@$(MAKE) --no-print-directory package ARCHES=$$(go env GOARCH)
	@cd deploy/tools/pack && GOWORK=off SPOOL_PACKAGES=$(CURDIR)/$(BIN)/packages go test -count 1 -v -run '^TestPackage' -timeout 10m .

# As many threads as spool takes.
THREADS := $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))

# Medians of five runs, a figure and its floor in one table.
median = | tee -a /dev/stderr | $(call tool,benchstat) -table .config -row .fullname -

# What others do the same work with, in the versions that the figures were measured with.
SUPERCRONIC := v0.2.48
NODE_PEERS  := node-cron@4.6.0 chokidar@5.0.0

peers: ## fetch the peers that benchmarks compare with into bin/peers (incron and inotify-tools come with the system)
	@GOFLAGS=-mod=mod GOBIN=$(CURDIR)/$(BIN)/peers/bin go install github.com/aptible/supercronic@$(SUPERCRONIC) || echo "supercronic: absent"
	@command -v npm >/dev/null && npm install --silent --no-audit --no-fund --prefix $(BIN)/peers $(NODE_PEERS) || echo "node-cron, chokidar: absent"

bench: gate ## measure what Spool is judged by, beside floors, peers and goals, into deploy/bench/FIGURES.md (an hour; leave the machine alone)
	@GOWORK=off go -C deploy/tools build -o $(CURDIR)/$(BIN)/bench ./bench && $(BIN)/bench deploy/bench/FIGURES.md

bench-quick: gate ## the same in five minutes: each once, without what takes long
	@GOWORK=off go -C deploy/tools build -o $(CURDIR)/$(BIN)/bench ./bench && $(BIN)/bench -quick deploy/bench/FIGURES.md

bench-commit: ## triggers committed per second, batched and single, fsync on
	@go test -run '^$$' -bench Commit -benchtime 100x -count 5 ./events/jet $(median)

bench-queued: ## what grows with queued files, and with the ledger of files: time and memory (4 minutes)
	@go test -run '^$$' -bench 'QueuedFiles|Ledger' -benchtime 50x ./events/jet $(median)

bench-pass: ## 10,000 and 100,000 jobs due at one minute
	@go test -run '^$$' -bench Pass -benchtime 1x -count 5 ./cron $(median)

bench-watch: ## file dropped → run-binary request, beside bare fsnotify and peers; 100,000 files at once
	@go test -run '^$$' -bench 'Watch/' -benchtime 100x -count 5 ./services/cmd/spool $(median)
	@go test -run '^$$' -bench 'Flood' -benchtime 1x -count 5 -timeout 60m ./services/cmd/spool $(median)
	@$(MAKE) --no-print-directory bench-folders

bench-folders: ## 10,000 watched folders, and 1,000,000 known files at a start (20 minutes)
	@go test -run '^$$' -bench 'Folders' -benchtime 1x -count 5 -timeout 60m ./services/cmd/spool $(median)
	@go test -run '^$$' -bench 'KnownFiles' -benchtime 5x -timeout 60m ./services/cmd/spool $(median)

bench-next: ## schedule.Next beside robfig/cron
	@go test -run '^$$' -bench Next -benchmem -count 5 ./events/schedule $(median)

bench-cron: bench-cron-one bench-cron-10k bench-cron-100k bench-cron-change bench-cron-process bench-next ## all about the clock: an hour, for minutes are real

bench-cron-one: ## lateness of one job, beside a bare loop, gocron and NATS schedules (16 minutes)
	@go test -run '^$$' -bench 'Lateness/jobs=1$$' -benchtime 1x -count 5 -timeout 60m ./cron $(median)

bench-cron-10k: ## the same with 10,000 jobs at one minute (10 minutes)
	@go test -run '^$$' -bench 'Lateness/jobs=10000$$' -benchtime 1x -count 5 -timeout 60m ./cron $(median)

bench-cron-100k: ## the same with 100,000 (12 minutes)
	@go test -run '^$$' -bench 'Lateness/jobs=100000$$' -benchtime 1x -count 5 -timeout 60m ./cron $(median)

bench-cron-change: ## 100,000 jobs on 500 schedules: until ready, and until a changed job is effective
	@go test -run '^$$' -bench 'Start' -benchtime 5x -count 5 -timeout 60m ./cron $(median)
	@go test -run '^$$' -bench 'Change' -benchtime 1000x -count 5 -timeout 60m ./cron $(median)

bench-cron-process: ## the same in a process of its own: memory, start, idle processor, beside one without a job (15 minutes)
	@go test -run '^$$' -bench 'CronProcess' -benchtime 1x -count 5 -timeout 60m ./services/cmd/spool $(median)

bench-dispatch: ## files called and their results stored, trigger to request, memory; and what a run of the built-in runner costs
	@go test -cpu $(THREADS) -run '^$$' -bench 'Dispatch|OneJob|Reach' -benchtime 1x -count 5 -timeout 30m ./services/dispatcher $(median)
	@go test -run '^$$' -bench DispatcherMemory -benchtime 1x -count 5 -timeout 30m ./services/cmd/spool $(median)
	@$(MAKE) --no-print-directory bench-run

bench-run: gate ## what the built-in runner adds to a process, from the call to the stored end
	@go test -cpu $(THREADS) -run '^$$' -bench '^Benchmark(Run|GateReady)$$' -benchtime 100x -count 5 ./services/runner $(median)

bench-api: ## create_job, list_jobs (BENCH_JOBS=100000 lists so many) and a gateway's start, beside their floors
	@go test -run '^$$' -bench 'CreateJob|ListJobs|ListOne|NativeLists' -benchtime 1s -count 5 -timeout 30m ./gateway $(median)
	@go test -run '^$$' -bench 'Start' -benchtime 1x -count 5 -timeout 30m ./gateway $(median)
	@go test -run '^$$' -bench 'Request' -benchtime 5000x -count 5 ./services/daemon $(median)
	@go test -run '^$$' -bench 'GatewayMemory' -benchtime 1x -count 5 -timeout 30m ./services/cmd/spool $(median)

bench-idle: ## what an idle spool serve writes and takes in an hour (61 minutes)
	@BENCH_IDLE=1h go test -run '^$$' -bench Idle/serve -benchtime 1x -timeout 90m ./services/cmd/spool $(median)

bench-index: ## lists, overview, start and memory of a gateway with 100,000 jobs and 1,000,000 results (BENCH_STORE=folder keeps them for the next time)
	@go test -run '^$$' -bench 'GatewayIndex' -benchtime 1x -timeout 30m ./services/cmd/spool $(median)

fuzz: ## fuzz everything that parses, 30 s each
	@grep -rl '^func Fuzz' --include='*_test.go' $(MODULES) | while read -r file; do \
		for name in $$(grep -o '^func Fuzz[A-Za-z]*' "$$file" | cut -d ' ' -f 2); do \
			echo "$$name in $$(dirname "$$file")"; \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime 30s "./$$(dirname "$$file")" || exit 1; \
		done; \
	done

clean: ## remove what was built, and the demo's data
	rm -rf $(BIN) spool-data services/runner/built/gate_*
