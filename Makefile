# Everything that a newcomer needs: `make demo` and `make test` set the machine up by themselves.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CONFIGURATION ?= release
# One build serves the executables and the tests: no test reaches into a module's internals.
SWIFT_BUILD := swift build --configuration $(CONFIGURATION)
BINARIES := .build/$(CONFIGURATION)
VAR := $(CURDIR)/var
TEST_RUN := BOOTSTEAD_BINARIES=$(CURDIR)/$(BINARIES) BOOTSTEAD_SOURCE=$(CURDIR) BOOTSTEAD_VAR=$(VAR) Scripts/test-run
SWIFT_TEST := swift test --configuration $(CONFIGURATION) --skip-build --disable-testable-imports --disable-xctest
# The test program itself: of two `swift test` at a time one waits for the other.
LAB_TEST := NO_COLOR=1 $(BINARIES)/bootsteadPackageTests.xctest --testing-library swift-testing
LAB_LIMIT := $(if $(filter 1,$(BOOTSTEAD_LAB_FULL)),28800,3600)
SOURCES := Package.swift Sources netboot images Tests Fuzz Benchmarks

.PHONY: help
help: ## List these targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

.PHONY: packages
packages: ## Install the Debian packages that are missing.
	@Scripts/debian-packages

.PHONY: build
build: packages ## Build the executables.
	$(SWIFT_BUILD) --product bootstead
	$(SWIFT_BUILD) --product bootstead-agent
	strip -o $(BINARIES)/bootstead-agent.stripped $(BINARIES)/bootstead-agent

.PHONY: installer
installer: build ## Build the micro-installer into var/installer.
	images/micro-installer/build $(VAR)/installer $(BINARIES)/bootstead-agent.stripped

.PHONY: demo
demo: build ## Network-boot a virtual bare machine and install it (KEEP=1 leaves it running).
	@Scripts/needs-root "make demo"
	$(BINARIES)/bootstead demo --source . --folder $(VAR)/demo $(if $(KEEP),--keep)

.PHONY: test
test: lint build fuzz-short ## Everything that must hold, real boots included (FILTER=… runs some).
	@Scripts/needs-root "make test"
	BINARIES=$(BINARIES) Scripts/check-stacks
	$(SWIFT_BUILD) --build-tests
ifdef FILTER
	$(TEST_RUN) filtered 5400 $(SWIFT_TEST) --filter '$(FILTER)'
else
# The servers on real sockets, and the test with thousands of connections, run by themselves: their timers would see the
# others' load. Backups by a real Borg run by themselves because they are that load.
	$(TEST_RUN) units 900 $(SWIFT_TEST) --skip BootHTTPTests --skip LabTests --skip TFTPServerTests --skip ProxyDHCPTests \
	  --skip NodeWorkTests --skip ContainerEngineTests
	$(TEST_RUN) node-work 600 $(SWIFT_TEST) --filter '^NodeWorkTests'
	$(TEST_RUN) container-engine 1800 Scripts/with-container-engine $(SWIFT_TEST) --filter '^ContainerEngineTests'
	$(TEST_RUN) sockets 300 $(SWIFT_TEST) --filter TFTPServerTests --filter ProxyDHCPTests
	$(TEST_RUN) http 300 $(SWIFT_TEST) --filter BootHTTPTests
# A virtual machine keeps one processor busy: first installs, and all others beside them.
	$(TEST_RUN) lab-installs $(LAB_LIMIT) env BOOTSTEAD_LAB_PART=installs $(LAB_TEST) --filter 'RealMachines.*BootTests' & \
	  installs=$$!; others=0; \
	  $(TEST_RUN) lab $(LAB_LIMIT) env $(LAB_TEST) --filter LabTests --skip 'RealMachines.*BootTests' || others=$$?; \
	  wait $$installs && exit $$others
endif

.PHONY: soak
soak: build ## SOAK_ROUNDS (50) power cuts, network faults, a lost data disk, SOAK_KILLS (1000) killed backups: hours.
	@Scripts/needs-root "make soak"
	$(SWIFT_BUILD) --build-tests
	TEST_OUTPUT=all BOOTSTEAD_LAB_FULL=1 SOAK_ROUNDS=$(or $(SOAK_ROUNDS),50) $(TEST_RUN) soak 172800 \
	  $(SWIFT_TEST) --filter PowerCutTests --filter NetworkFaultTests --filter LostDataDiskTests
	TEST_OUTPUT=all SOAK_KILLS=$(or $(SOAK_KILLS),1000) $(TEST_RUN) soak-kills 86400 \
	  Scripts/with-container-engine $(SWIFT_TEST) --filter KilledRunTests

.PHONY: lint
lint: packages ## Check formatting and style.
	swift format lint --strict --recursive --configuration .swift-format $(SOURCES)
	shellcheck -x -S warning $$(Scripts/shell-files)
	Scripts/check-nix --parse

.PHONY: check-nix
check-nix: packages ## Parse the Nix files; with NIXPKGS=DIR evaluate roles, designs and examples.
	Scripts/check-nix

.PHONY: format
format: ## Format the sources in place.
	swift format --in-place --recursive --configuration .swift-format $(SOURCES)

.PHONY: fuzz
fuzz: packages ## Fuzz each parser for SECONDS (default 600).
	Fuzz/run $(or $(SECONDS),600)

.PHONY: fuzz-short
fuzz-short: packages
	Fuzz/run 10

.PHONY: bench
bench: build ## Measure against dnsmasq, atftpd, nginx and nix; writes docs/performance.md.
	@Scripts/needs-root "make bench"
	Benchmarks/run

.PHONY: clean
clean: ## Remove what was built.
	rm -rf .build .build-fuzz var
