# make demo   a site from sample areas, in ./demo      make test   what CI runs, but the slow
# make bench  the figures of docs/performance.md       make docs   docs/commands.md anew
# All of them make .venv first; on Debian, Python 3.11 and make are enough to start from.

BIN := .venv/bin
DEMO := demo
# Minutes of kills, failing disks and random histories: CI runs them, too.
MARKS := $(if $(CI),,-m "not slow")
# Tests flush thousands of small files: where memory has 8 GB for them, nobody waits for a disk.
MEMORY := $(shell awk '/MemAvailable/ {exit $$2 < 8e6}' /proc/meminfo && \
  df -k /dev/shm | awk 'END {exit $$4 < 8e6}' && echo /dev/shm)
.DELETE_ON_ERROR:
.PHONY: demo test bench docs format clean

demo: .venv/.installed
	$(BIN)/mtsite demo $(DEMO)

test: .venv/.installed-test
	.ci/chromium
	.ci/axe
	.ci/shells
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict mtsite
	$(if $(MEMORY),TMPDIR=$(MEMORY)) $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(MARKS) $(TESTS)

bench: .venv/.installed-test
	$(BIN)/python benchmarks/build.py --peers --memory --against
	$(BIN)/python benchmarks/engines.py --dask
	$(BIN)/python benchmarks/live_reading.py
	$(BIN)/python benchmarks/run_list.py
	$(BIN)/python -m benchmarks.clusters
	$(BIN)/python benchmarks/commands.py

docs: .venv/.installed
	$(BIN)/python docs/write_commands.py

format: .venv/.installed-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv $(DEMO) dist build

.venv/.installed: pyproject.toml .ci/venv
	.ci/venv
	touch $@

.venv/.installed-test: pyproject.toml .ci/venv
	.ci/venv test
	touch $@ .venv/.installed
