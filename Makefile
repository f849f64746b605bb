# Everything a machine with Python 3.11 (or newer), make and a package index needs: `make demo`, `make test`, `make docs`.

PYTHON ?= $(firstword $(foreach p,python3 python3.11 python3.12 python3.13,$(shell $(p) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(p))))
BIN := .venv/bin
READY := .venv/ready

.PHONY: demo web test test-slow fuzz kills check docs format bench speed lock clean env

demo: $(READY)
	$(BIN)/python examples/demo.py demo

# A page for painting and for GANs, on this machine only. Ctrl-C ends it; what it was doing goes on when it is back.
web: $(READY)
	$(BIN)/python -m scumble web

# Several processes of one thread each get more done than one of several.
test: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto

test-slow: $(READY)
	$(BIN)/python -m pytest -m slow --durations=0

# Some hours on one core: 10,000 spoiled files of every kind that is read; those that are neither read nor refused, in build/fuzz.
fuzz: $(READY)
	PYTHONPATH=tests $(BIN)/python -m fuzz.run

# An hour: every kind of job, killed 40 times; and the page's jobs, with all the processes that work at them.
kills: $(READY)
	$(BIN)/python recipes/kills.py
	$(BIN)/python recipes/web_kills.py

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright

# The site, in build/site. A dead link is an error, and so is anything that a page would fetch from another host.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
	@echo "build/site/index.html; for its search, too: python3 -m http.server --directory build/site"

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)
	$(BIN)/python benchmarks/evaluations.py
	$(BIN)/python benchmarks/training.py
	rm -rf build/against
	$(BIN)/python benchmarks/against_example.py build/against --ways sketched,quick

# The tables of docs/speed.md, measured anew: some minutes.
speed: $(READY)
	$(BIN)/python benchmarks/seconds.py docs/pictures/photo.jpg docs/pictures/painting.jpg --page docs/speed.md
	$(BIN)/python benchmarks/convolutions.py --page docs/speed.md

env: $(READY)

# One environment for everything, from the lock alone: the package itself is linked in, not copied.
$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it with: make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $(READY)

# Pin again what pyproject.toml asks for. torch is pinned by hand: wherever an index has a CPU build of this version
# ("2.13.0+cpu"), pip takes it, because it sorts above the plain one; wherever it has not, the plain one installs.
TORCH := 2.13.0
lock:
	rm -rf .lock-env && $(PYTHON) -m venv .lock-env
	.lock-env/bin/python -m pip install --quiet torch==$(TORCH) \
	    $$($(PYTHON) -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb")); print(*p["project"]["dependencies"], *p["dependency-groups"]["dev"])')
	{ echo "# Made by \`make lock\`. What the GPU builds of torch need on top is left for pip to find."; \
	  .lock-env/bin/python -m pip freeze --all | sed 's/+cpu$$//' | grep -viE '^(pip|setuptools|nvidia|cuda|triton)'; \
	} > requirements.lock
	rm -rf .lock-env

clean:
	rm -rf .venv .pytest_cache .ruff_cache build dist demo
