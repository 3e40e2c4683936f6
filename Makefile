# The verbs of the project: `make help` lists them. Python 3.11 or newer and make are all it needs.
.DEFAULT_GOAL := help
.NOTPARALLEL:

# The first of these that is new enough; or name one yourself: make PYTHON=/path/to/python3
PYTHON ?= $(shell for it in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$it" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$it"; break; }; done)
BIN := .venv/bin
# Some machines forbid Python to keep its bytecode. The tests start hundreds of servers: kept, it halves each start.
unexport PYTHONDONTWRITEBYTECODE
# The locks name all that is needed. Every hash is checked; bytecode is written when a module is first used.
INSTALL := $(BIN)/python -m pip install -qq --no-deps --disable-pip-version-check --no-compile
RUN := .venv/.installed-run
DEV := .venv/.installed-dev
# Two workers: more would fight the server processes that the tests start.
WORKERS ?= 2
# Each has its half in a row, and with it what a file's tests share; who is done takes from the other.
SHARED := -n $(WORKERS) --dist worksteal
# Sample dialogues and utterances, for `make eval`.
DATA ?= ../shared/data

# The gates of `make test`: branch coverage in percent, over all and where nothing may go untested.
COVERAGE := 95
WHOLE := src/chatstream/domain/*,src/chatstream/protocol/socket_protocol.py,src/chatstream/chats/pipeline.py,src/chatstream/chats/policy.py,src/chatstream/chats/appends.py,src/chatstream/eventstore/planning.py

# What of the protocol's suite may differ by engine: `make test` runs these on PostgreSQL too.
BY_ENGINE := $(patsubst %,tests/conformance/test_%.py,crash_recovery erasure history http_chats \
	http_intents_sessions idempotency idle_timers laws open_and_follow queueing random_walks \
	resume_abandon storage_trouble)
ENGINE ?= sqlite

help:  ## list the verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## +/\1\t/' | expand -t 10

setup: $(DEV)  ## install all that working on chatstream needs, into .venv

serve: $(RUN)  ## run the server: make serve ARGS="--port 8001 --agent my_module:agent"
	$(BIN)/chatstream serve $(ARGS)

test: $(DEV) system widget  ## run every test that this machine can run, with the coverage gates
	$(BIN)/python -m pytest $(SHARED) -m 'not bench and not (faults and slow)' --cov --cov-report=
	@$(BIN)/coverage report --fail-under=$(COVERAGE)
	@$(BIN)/coverage report --include='$(WHOLE)' --fail-under=100 >.venv/whole.txt || { cat .venv/whole.txt; exit 1; }
	CHATSTREAM_TEST_ENGINE=postgres $(BIN)/python -m pytest $(SHARED) $(BY_ENGINE)

conformance: $(DEV)  ## the protocol's test suite on one engine: make conformance ENGINE=postgres
	CHATSTREAM_TEST_ENGINE=$(ENGINE) $(BIN)/python -m pytest $(SHARED) tests/conformance $(ARGS)

check: $(DEV)  ## style, import rules, security, spelling and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/bandit -q -lll -c pyproject.toml -r src  # ruff's S rules are bandit's, for what is less grave
	$(BIN)/codespell
	@$(MAKE) --no-print-directory types

types: $(DEV)  ## both type checkers, side by side
	@$(BIN)/mypy & mypy=$$!; $(BIN)/basedpyright; right=$$?; wait $$mypy && exit $$right

audit: $(DEV)  ## look up known weaknesses of what is installed; needs the network
	@sh scripts/audit.sh $(BIN)/pip-audit

docs: $(DEV)  ## build the pages into docs/_build/html, warnings are errors
	$(BIN)/sphinx-build -q -n -W --keep-going -b html docs docs/_build/html
	@echo "open docs/_build/html/index.html"

bench: $(DEV)  ## measure, beside the floors: a table and a JSON file
	$(BIN)/python -m benchmarks $(ARGS)

eval: $(DEV)  ## how well the assistant understands people: make eval DATA=DIR
	$(BIN)/python -m benchmarks.eval --data $(DATA) $(ARGS)

demo: $(DEV)  ## drive real dialogues through real sockets and kill the server on the way
	$(BIN)/python -m benchmarks.demo $(ARGS)

faults: $(DEV)  ## the long fault suite: kills, cuts, full disks
	$(BIN)/python -m tests.faults $(ARGS)

widget: $(RUN)  ## check, test and build the front end; compare it with the committed files
	@sh scripts/front_end.sh

system:
	@sh scripts/setup_system.sh

release: $(DEV)  ## build the sdist and the wheel from it, try the wheel in an empty environment, list its parts (SBOM), licences, weaknesses
	rm -rf dist
	$(BIN)/hatchling build -t sdist
	$(BIN)/python -m pip wheel -q --no-deps --no-build-isolation -w dist dist/chatstream_server-*.tar.gz
	$(BIN)/python scripts/try_wheel.py dist/chatstream_server-*.whl
	@# It warns that a lock does not say which part needs which.
	$(BIN)/python -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible \
		-o dist/chatstream.cdx.json requirements/run.txt
	$(BIN)/python scripts/licences.py requirements/run.txt dist/licences.txt
	@# Known weaknesses stop a release. Where nobody could be asked, the report says that alone.
	@sh scripts/audit.sh $(BIN)/pip-audit >dist/weaknesses.txt 2>&1 || { \
		told=$$(grep "^NOT AUDITED" dist/weaknesses.txt) || { cat dist/weaknesses.txt; exit 1; }; \
		echo "$$told" | tee dist/weaknesses.txt >&2; }

lock:  ## renew requirements/*.txt (the one verb that needs uv): make lock ARGS=--upgrade
	UV_PYTHON_DOWNLOADS=never UV_CUSTOM_COMPILE_COMMAND="make lock" sh -c '\
		lock="uv pip compile pyproject.toml -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-strip-extras" && \
		$$lock --all-extras --group dev -o requirements/dev.txt $(ARGS) && \
		$$lock --extra postgres --group build -c requirements/dev.txt -o requirements/run.txt'

clean:  ## remove what the verbs made, but not your databases
	rm -rf .venv dist docs/_build .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.PHONY: help setup serve test conformance check types audit docs bench eval demo faults widget system release lock clean

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "chatstream needs Python 3.11 or newer. Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv .venv || { rm -rf .venv; echo "This Python cannot make an environment. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

# What builds the package is locked and installed first: no build isolation, nothing fetched unseen.
$(RUN): requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "Installing what the server needs into .venv (once) ..."
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip
	@$(INSTALL) --require-hashes -r requirements/run.txt
	@$(INSTALL) --no-build-isolation -e .
	@touch $@

$(DEV): requirements/dev.txt $(RUN)
	@echo "Installing the development tools into .venv (once) ..."
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@
