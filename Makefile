# `make demo` and `make test` do everything on a machine with Python 3.11+.
#
#   make check      lint and the quick tests on one backend, while one works
#   make test       lint and the tests on three backends: what CI runs
#   make docs       the documentation site, in build/site
#   make browser    the page of it that runs a network, in a real browser
#   make soak       try to break it, about an hour; SOAK_MINUTES=10 for a sample
#   make test-full  everything on every backend, the slowest exports included
#   make online     every published file from the real Hub, 1.6 GB
PYTHON ?= python3
DEMO := .venv-demo
TEST := .venv-test
WORKERS ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu)
# A worker takes neighbouring tests, which share fixtures, and then what others
# have left.
PYTEST := OMP_NUM_THREADS=1 TF_CPP_MIN_LOG_LEVEL=3 $(TEST)/bin/python -m pytest \
	-q -n $(WORKERS) --dist worksteal

.PHONY: demo check test test-full lint docs browser online test-tensorflow test-jax test-torch clean soak

demo: $(DEMO)/installed
	KERAS_BACKEND=jax $(DEMO)/bin/python examples/demo.py

check: lint
	KERAS_BACKEND=torch $(PYTEST) -m "not slow"

# The first two keep one processor busy each, the tests all.
test: $(TEST)/installed
	$(MAKE) -j 2 lint docs
	$(MAKE) test-tensorflow test-jax test-torch

test-full: export KERAS_PNNH_ALL_TESTS = 1
test-full: $(TEST)/full test

lint: $(TEST)/installed
	$(TEST)/bin/ruff check .
	$(TEST)/bin/ruff format --check .
	$(TEST)/bin/lint-imports
	$(TEST)/bin/pyright
	$(TEST)/bin/python tools/type_completeness.py --least 95

# Strict: a broken link or a missing reference fails. Not with -q, which keeps the
# warnings from being counted. The variable silences what the theme says about
# the future of MkDocs.
docs: $(TEST)/installed
	NO_MKDOCS_2_WARNING=1 KERAS_BACKEND=torch $(TEST)/bin/mkdocs build --strict
	$(TEST)/bin/python tools/browser_page.py build/site

# What `make docs` makes, tried in a headless Chromium; needs npm and node.
browser: docs
	$(TEST)/bin/python tools/browser_page.py build/site --check

test-tensorflow test-jax test-torch: test-%: $(TEST)/installed
	KERAS_BACKEND=$* $(PYTEST)

# One process, which says on the way what came and what it was taken for.
online: $(TEST)/online
	KERAS_PNNH_ONLINE=1 KERAS_BACKEND=torch $(PYTEST) -n 0 -s tests/online

# Not in CI. The record goes to evidence/soak; `tools/tables.py` quotes it.
soak: $(TEST)/installed
	OMP_NUM_THREADS=1 KERAS_BACKEND=$${KERAS_BACKEND:-torch} $(TEST)/bin/python \
		tools/soak/soak.py $(if $(SOAK_MINUTES),--minutes $(SOAK_MINUTES))

# JAX spends most of the time compiling, and less of it without optimisation.
test-jax: export XLA_FLAGS = --xla_backend_optimization_level=0

$(DEMO)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/pip install -q -c constraints.txt -e ".[jax,images]"
	touch $@

# tensorflow-cpu in place of the extra `tensorflow`: a third smaller. The same
# for keras-hub, whose text models would bring 1.5 GB along. pip compiles on one
# processor and `compileall` on all; templates that are no Python it leaves out.
$(TEST)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(TEST)
	$(TEST)/bin/pip install -q --no-compile -c constraints.txt tensorflow-cpu torch
	$(TEST)/bin/pip install -q --no-compile -c constraints.txt -e ".[jax,torch,openvino,dev,docs]"
	$(TEST)/bin/pip install -q --no-compile -c constraints.txt --no-deps keras-hub \
		kagglehub kagglesdk regex sentencepiece tokenizers
	$(TEST)/bin/python -m compileall -qq -j 0 $(TEST)/lib || true
	touch $@

# The extra `cv` without the TensorFlow that it would bring beside the other.
$(TEST)/full: $(TEST)/installed
	$(TEST)/bin/pip install -q -c constraints.txt --no-deps \
		keras-cv keras-core dm-tree
	touch $@

# The photographs without what computes on them.
$(TEST)/online: $(TEST)/installed
	$(TEST)/bin/pip install -q -c constraints.txt --no-deps scikit-image
	touch $@

clean:
	rm -rf $(DEMO) $(TEST) build dist demo *.egg-info
