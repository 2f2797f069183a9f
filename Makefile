# Gantry's tasks. `make demo` and `make check` work on a fresh Debian machine with Rust: what they need
# beyond it they install with apt-get (as root) or say what to install.

SHELL = /bin/bash
.SHELLFLAGS = -euo pipefail -c
.DEFAULT_GOAL = build

PREFIX = /usr/local
DESTDIR =
CARGO = cargo
HOST = $(shell rustc -vV | sed -n 's/^host: //p')
TARGET_DIR = $(or $(CARGO_TARGET_DIR),target)
RELEASE = $(TARGET_DIR)/$(HOST)/release
DEBUG = $(TARGET_DIR)/$(HOST)/debug
TOOLS = rkt actool acbuild actrust
# Where shells look for completions, beneath PREFIX/share.
COMPLETIONS = bash-completion/completions zsh/site-functions fish/vendor_completions.d
# Where systemd looks for units of software beneath PREFIX.
UNITS = $(PREFIX)/lib/systemd/system
FUZZ_SECONDS = 600
FUZZ_TARGETS = $(basename $(notdir $(wildcard tests/fuzz/src/bin/*.rs)))
FUZZ_FLAGS = -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
	-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
	-Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions -Ccodegen-units=16
# Where Debian packages for images are unpacked; tests, demo and bench look there.
export PACKAGES = $(abspath $(TARGET_DIR))/packages

.PHONY: build demo check fmt clippy test doc doctest fuzz-replay fuzz man soak bench install uninstall \
	deps-build deps-test deps-bench deps-fuzz packages clean

build: deps-build ## the tools, optimised and static, in target/HOST/release
	$(CARGO) build --release --locked --bins

demo: build packages deps-demo ## the whole life of an image on this machine, each command printed
	$(CARGO) build --release --locked -p gantry-testkit --example serve
	tests/demo/demo $(RELEASE)

check: deps-test deps-demo packages ## everything CI checks
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) nextest run --workspace --locked --no-fail-fast
	$(CARGO) test --workspace --locked --doc --quiet
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked --quiet
	$(MAKE) fuzz-replay
	$(CARGO) build --locked --bins
	$(CARGO) build --locked -p gantry-testkit --example serve
	tests/demo/demo $(DEBUG)

fuzz-replay: ## builds every fuzz target and replays its corpus
	$(CARGO) build -p gantry-fuzz --locked
	@for source in tests/fuzz/src/bin/*.rs; do \
		name=$$(basename "$$source" .rs); \
		"$(DEBUG)/$$name" "fixtures/fuzz/$$name" || { echo "fuzz target $$name failed on its corpus"; exit 1; }; \
		echo "fuzz target $$name: corpus replayed"; \
	done

man: ## writes man/*.1 and man/completions from the parsers
	GANTRY_WRITE_MAN=1 $(CARGO) test --locked --test man --test completions

soak: deps-test packages ## the long versions of the crash and leak tests, then fuzzing
	GANTRY_SOAK=1 $(CARGO) nextest run --workspace --locked --no-fail-fast
	$(MAKE) fuzz

# Needs no nightly compiler: the counters that libFuzzer reads are put in by a pass of LLVM itself.
fuzz: deps-fuzz ## every fuzz target under libFuzzer, or those in FUZZ_TARGETS, FUZZ_SECONDS each
	RUSTFLAGS="$(FUZZ_FLAGS)" $(CARGO) build -p gantry-fuzz --features libfuzzer --release --locked \
		--target-dir "$(TARGET_DIR)/fuzz"
	@for name in $(FUZZ_TARGETS); do \
		echo "fuzz target $$name: $(FUZZ_SECONDS) seconds"; \
		mkdir -p "$(TARGET_DIR)/fuzz/corpus/$$name"; \
		"$(TARGET_DIR)/fuzz/$(HOST)/release/$$name" -max_total_time=$(FUZZ_SECONDS) -timeout=20 \
			-rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$(TARGET_DIR)/fuzz/$$name-" \
			"$(TARGET_DIR)/fuzz/corpus/$$name" "fixtures/fuzz/$$name" 2>"$(TARGET_DIR)/fuzz/$$name.log" || \
			{ tail -n 40 "$(TARGET_DIR)/fuzz/$$name.log"; exit 1; }; \
		grep -E 'stat::(number_of_executed_units|peak_rss_mb)' "$(TARGET_DIR)/fuzz/$$name.log"; \
	done

bench: build packages deps-bench ## side by side with the peers; SIZE=128 for smaller images
	$(CARGO) build --release --locked -p gantry-archive --example plain
	$(CARGO) build --release --locked -p gantry-testkit --example serve
	bench/run $(RELEASE)
	bench/pods $(RELEASE)
	bench/net $(RELEASE)
	bench/images $(RELEASE)
	bench/fetch $(RELEASE)
	bench/layers $(RELEASE)
	bench/acbuild $(RELEASE)
	bench/oci $(RELEASE)

install: ## PREFIX (/usr/local) and DESTDIR are honoured; run `make build` first, as the user who builds
	@test -x $(RELEASE)/rkt || { echo "run 'make build' first"; exit 1; }
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/gantry $(DESTDIR)$(PREFIX)/share/man/man1
	for tool in $(TOOLS); do install -m 755 $(RELEASE)/$$tool $(DESTDIR)$(PREFIX)/bin/$$tool; done
	ln -sf acbuild $(DESTDIR)$(PREFIX)/bin/acbuild-script
	install -m 755 $(RELEASE)/stage1 $(DESTDIR)$(PREFIX)/libexec/gantry/stage1
	install -m 644 man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -d $(DESTDIR)$(UNITS)
	for unit in bins/rkt/units/*; do \
		sed 's|@BINDIR@|$(PREFIX)/bin|' "$$unit" >$(DESTDIR)$(UNITS)/$$(basename "$$unit"); \
		chmod 644 $(DESTDIR)$(UNITS)/$$(basename "$$unit"); \
	done
	install -d $(foreach folder,$(COMPLETIONS),$(DESTDIR)$(PREFIX)/share/$(folder))
	for tool in $(TOOLS); do \
		install -m 644 man/completions/bash/$$tool $(DESTDIR)$(PREFIX)/share/bash-completion/completions/; \
		install -m 644 man/completions/zsh/_$$tool $(DESTDIR)$(PREFIX)/share/zsh/site-functions/; \
		install -m 644 man/completions/fish/$$tool.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/; \
	done

uninstall:
	for tool in $(TOOLS) acbuild-script; do rm -f $(DESTDIR)$(PREFIX)/bin/$$tool; done
	rm -rf $(DESTDIR)$(PREFIX)/libexec/gantry
	for unit in bins/rkt/units/*; do rm -f $(DESTDIR)$(UNITS)/$$(basename "$$unit"); done
	for page in man/*.1; do rm -f $(DESTDIR)$(PREFIX)/share/man/man1/$$(basename $$page); done
	for tool in $(TOOLS); do \
		rm -f $(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$tool; \
		rm -f $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_$$tool; \
		rm -f $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/$$tool.fish; \
	done

deps-build: ; @tests/setup/need build
deps-demo: ; @tests/setup/need demo
deps-test: ; @tests/setup/need test
deps-bench: ; @tests/setup/need bench
deps-fuzz: ; @tests/setup/need fuzz

packages: ## Debian packages that images are made of, unpacked below target, not installed
	@tests/setup/packages $(PACKAGES)

clean:
	$(CARGO) clean
