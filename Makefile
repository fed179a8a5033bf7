# make run and make test do everything on a fresh machine: system libraries, Python environment, dependencies.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# A test process a core; a module's tests stay together and share its fixtures.
PARALLEL := -n auto --dist loadscope
# What Qt needs on a bare Linux; asked from apt only where something is missing and it is permitted.
QT_PACKAGES := libegl1 libgl1 libxkbcommon-x11-0 libdbus-1-3 libfontconfig1 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 \
	libxcb-image0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0

.PHONY: run test test-all lint format setup system-libraries screenshots clean

run: setup
	$(BIN)/python main.py

test: setup
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow"

test-all: setup
	$(BIN)/python -m pytest $(PARALLEL)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

screenshots: setup
	QT_QPA_PLATFORM=offscreen $(BIN)/python docs/make_screenshots.py

setup: system-libraries $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Maskwright needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

system-libraries:
	@if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then \
		missing=""; \
		for package in $(QT_PACKAGES); do \
			dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q "ok installed" || missing="$$missing $$package"; \
		done; \
		if [ -n "$$missing" ]; then \
			echo "Installing what Qt needs:$$missing"; \
			if [ "$$(id -u)" = 0 ]; then as_root=""; else as_root="sudo -n"; fi; \
			$$as_root apt-get update -qq && $$as_root apt-get install -y -qq --no-install-recommends $$missing >/dev/null \
				|| echo "Could not install:$$missing. The window may not open until an administrator does."; \
		fi; \
	fi

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
