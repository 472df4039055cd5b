# Development tasks; `make help` lists them.

# The Python for `make test-wheel`: a version that uv finds, or a path.
PYTHON ?= .venv/bin/python
PORT ?= 8000
HOST ?= 127.0.0.1
# Backend of llama.cpp: cuda, metal, vulkan, cpu, or empty for its default (Metal on a Mac, else CPU).
# The last value is stored in .venv.
BACKEND ?= $(shell cat .venv/.backend 2>/dev/null)
# Maximum cases of each kind for `make eval`, or requests for `make soak`; 0 for the default.
COUNT ?= 0

UV_VERSION := 0.13.8
UV := $(shell command -v uv || echo .tools/bin/uv)
READY := .venv/.ready
SITE := import sysconfig; print(sysconfig.get_path('purelib'))

# PyTorch build for `make adapter`: cpu, auto for the GPU of this machine, empty for that on PyPI.
TORCH ?= cpu
TRAINER := .venv-training/bin/python
CONVERSATIONS := build/conversations.jsonl
OWN := build/own.jsonl

FLAGS_cuda := GGML_CUDA=ON
FLAGS_metal := GGML_METAL=ON
FLAGS_vulkan := GGML_VULKAN=ON
FLAGS_cpu := GGML_METAL=OFF
COMPILE := $(if $(BACKEND),--config-settings-package llama-cpp-python:cmake.define.$(FLAGS_$(BACKEND)))

# Bytecode caching is always on, since the tests start many Python processes.
PYTEST := PYTHONDONTWRITEBYTECODE= .venv/bin/pytest -q
PARALLEL := -n logical --dist worksteal -m "not model"

# Variants of `make test-numerics`, by their names in tests/numerics.py. avx2 uses a separate build of
# llama.cpp without AVX-512; uv caches the compiled wheel. OMP_WAIT_POLICY: two threads that spin while
# they wait are many times slower than one on a busy machine.
NUMERICS ?= one-thread two-threads avx2
AVX2 := .venv-avx2
FLAGS_avx2 := GGML_NATIVE=OFF GGML_AVX=ON GGML_AVX2=ON GGML_FMA=ON GGML_F16C=ON GGML_AVX512=OFF

POSTGRES = $(or $(shell command -v initdb),$(wildcard /usr/lib/postgresql/*/bin/initdb))
CHROMIUM = $(or $(shell command -v chromium),$(shell command -v google-chrome))
NGINX = $(or $(shell command -v nginx),$(wildcard /usr/sbin/nginx))

# A network namespace of its own, in which only the loopback device works.
OFFLINE := unshare --map-root-user --net sh -c 'ip link set lo up && exec "$$@"' sh
AGENTS := clients/agents

.PHONY: help setup serve check-page test test-fast test-clients test-agents test-deep test-numerics test-real test-page test-postgres test-proxy test-cluster test-wheel lint types format check docs bench soak attack adapter adapter-test eval clean

help: ## Show this list.
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

setup: $(READY) ## Create .venv: compile llama.cpp, install the locked dependencies and the default model.
	@if [ "$(BACKEND)" != "$$(cat .venv/.backend)" ]; then rm $(READY); $(MAKE) $(READY) BACKEND=$(BACKEND); fi

serve: setup ## Serve the models of models.yaml. PORT=8123 sets the port.
	@.venv/bin/tool-gateway serve --host $(HOST) --port $(PORT)

test: test-fast ## Run all tests, including those with the default model.
	@$(PYTEST) -m model

test-fast: setup ## Run the tests that need no model, with few examples of each property.
	@$(PYTEST) $(PARALLEL)

test-deep: setup ## Run all tests, with all cases and many examples of each property.
	@$(PYTEST) $(PARALLEL) --deep
	@$(PYTEST) -m model --deep

test-numerics: setup $(if $(filter avx2,$(NUMERICS)),$(AVX2)/.ready) ## Run the tests with the default model under other threads, batch sizes, kernels and seeds. NUMERICS=one-thread selects a variant.
	@for name in $(NUMERICS); do \
		environment=.venv; test $$name != avx2 || environment=$(AVX2); \
		PYTHONDONTWRITEBYTECODE= OMP_WAIT_POLICY=PASSIVE TOOL_GATEWAY_TEST_NUMERICS=$$name \
			$$environment/bin/pytest -q -m model || exit 1; \
	done

test-real: setup | $(UV) ## Run the tests with a mainstream model (491 MB, fetched on first use). REQUIRE=1 fails if it can't be fetched.
	@if .venv/bin/python -m tests.real.fetch $(UV); then \
		OMP_WAIT_POLICY=PASSIVE TOOL_GATEWAY_TEST_NUMERICS=two-threads $(PYTEST) -m real tests/real; \
	else \
		test -z "$(REQUIRE)"; \
	fi

test-page: setup ## Run the tests of the playground in headless Chromium, which is installed with apt if there is none.
	@$(if $(CHROMIUM),,apt-get -qq update && apt-get -qq install --no-install-recommends chromium)
	@$(PYTEST) -m page tests/playground

check-page: .venv-clients/.ready ## Check the names and types in the playground's JavaScript with TypeScript.
	@PATH="$(CURDIR)/.venv-clients/bin:$$PATH" clients/node/node_modules/.bin/tsc --allowJs --checkJs --noEmit \
		--strict false --target esnext --module esnext --moduleResolution bundler \
		--lib esnext,dom,dom.iterable gateway/api/playground/static/app.js

test-postgres: setup ## Run the tests of stored responses with PostgreSQL, which is installed with apt if there is none.
	@$(if $(POSTGRES),,apt-get -qq update && apt-get -qq install --no-install-recommends postgresql)
	@$(PYTEST) -m postgres tests/api/responses

test-proxy: setup | $(UV) ## Run nginx and Envoy in front of three gateways. nginx is installed with apt if there is none.
	@$(if $(NGINX),,apt-get -qq update && apt-get -qq install --no-install-recommends nginx-light)
	@$(UV) sync --quiet --locked --inexact --group proxy $(COMPILE)
	@$(PYTEST) -m proxy tests/deployment

test-cluster: setup ## Run the tests of the gateway on a Ray cluster of two replicas on this machine.
	@$(PYTEST) -m cluster tests/cluster

test-clients: .venv-clients/.ready ## Run the SDKs of the three APIs and frameworks on top of them with the default model.
	@OMP_WAIT_POLICY=PASSIVE .venv-clients/bin/python -m pytest -c clients/pytest.ini clients

test-agents: setup ## Run coding agents from npm with a scripted model, without a network. REQUIRE=1 fails if that can't be done.
	@export PATH="$(CURDIR)/.venv-clients/bin:$$PATH"; \
	if ! reason=$$($(OFFLINE) true 2>&1); then \
		echo "Coding agents are not tested, since they can't be kept from the network: $$reason"; \
		test -z "$(REQUIRE)"; \
	elif ! reason=$$({ test $(AGENTS)/node_modules/.package-lock.json -nt $(AGENTS)/package-lock.json \
			|| npm ci --loglevel error --no-audit --no-fund --prefix $(AGENTS); } 2>&1); then \
		echo "Coding agents are not tested, since npm can't install them: $$reason"; \
		test -z "$(REQUIRE)"; \
	else \
		$(OFFLINE) env $(PYTEST) -c pyproject.toml $(AGENTS); \
	fi

test-wheel: setup | $(UV) ## Install the wheel and its dependencies into an environment of PYTHON (3.13, or a path), and test it.
	@rm -rf build/dist
	@.venv/bin/python -m hatchling build -t wheel -d build/dist > /dev/null
	@$(UV) venv --quiet --clear --python $(PYTHON) build/installed
	@$(UV) pip install --python build/installed/bin/python "$$(ls build/dist/*.whl)[model]"
	@TOOL_GATEWAY_INSTALLED=build/installed $(PYTEST) tests/install

lint: setup ## Check style.
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .

types: setup ## Check types.
	@.venv/bin/mypy

format: setup ## Format the code and apply automatic fixes.
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

check: setup ## Check models.yaml and its chat templates.
	@.venv/bin/tool-gateway check

docs: | $(UV) ## Write the documentation as a site to build/site; fails at a broken link.
	@UV_PROJECT_ENVIRONMENT=.venv-docs $(UV) sync --quiet --locked --only-group docs
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --quiet --strict
	@echo "build/site/index.html"

bench: setup ## Compare the gateway with llama-server and a bare loop; write docs/performance.md.
	@$(UV) sync --quiet --locked --inexact --group bench $(COMPILE)
	@.venv/bin/python -m bench

soak: setup ## Soak test: thousands of requests to three models in the memory of two; fails if memory grows. COUNT=500 is faster, HOSTILE=0.1 makes a tenth of the bodies random.
	@.venv/bin/python -m bench.soak

attack: setup ## Attack a gateway on this machine and measure what its other clients see; writes docs/reliability.md. FUZZ_S=600 sends random bodies for as long.
	@.venv/bin/python -m bench.attack

adapter: .venv-training/.ready ## Train the adapter of the default model: data, training, export. Takes hours on two cores; resumes after a stop.
	@mkdir -p build
	@$(TRAINER) -m training.data.generate --seed 8 --count 60000 --out $(CONVERSATIONS)
	@test -s $(OWN) || $(TRAINER) -m training.adapter.own $(OWN)
	@OMP_WAIT_POLICY=PASSIVE $(TRAINER) -m training.adapter.train $(CONVERSATIONS) $(OWN)
	@$(TRAINER) -m training.adapter.export

adapter-test: .venv-training/.ready ## Run the tests of the training code, which need PyTorch.
	@$(TRAINER) -m pytest -q training/adapter/tests

eval: setup ## Score the tool calls of the default model on the held-out set; write docs/evaluation.md. COUNT=20 is faster.
	@mkdir -p build
	@.venv/bin/python -m training.data.generate --held-out --out build/held_out.jsonl
	@.venv/bin/python -m training.evaluation --set build/held_out.jsonl --count $(COUNT) \
		--failures build/failures.jsonl --docs docs

clean: ## Remove all generated environments and build files; the adapter stays.
	rm -rf .venv .venv-training .venv-clients .venv-docs clients/node/node_modules $(AGENTS)/node_modules $(AVX2) .tools build

$(READY): pyproject.toml uv.lock | $(UV)
	@echo "Setting up .venv. The first run compiles llama.cpp, which takes some minutes."
	@$(UV) sync --locked $(COMPILE)
	@echo "$(BACKEND)" > .venv/.backend
	@touch $@

$(AVX2)/.ready: pyproject.toml uv.lock | $(UV)
	@echo "Setting up $(AVX2). The first run compiles llama.cpp, which takes some minutes."
	@UV_PROJECT_ENVIRONMENT=$(AVX2) $(UV) sync --locked \
		$(FLAGS_avx2:%=--config-settings-package llama-cpp-python:cmake.define.%)
	@touch $@

# It imports the gateway and llama.cpp from .venv instead of installing them again.
.venv-training/.ready: training/adapter/requirements.txt | setup
	@echo "Setting up .venv-training, with PyTorch."
	@$(UV) venv --quiet --clear --python .venv/bin/python .venv-training
	@$(UV) pip install --quiet --python $(TRAINER) $(if $(TORCH),--torch-backend $(TORCH)) -r $<
	@.venv/bin/python -c "$(SITE)" > "$$($(TRAINER) -c "$(SITE)")/gateway.pth"
	@touch $@

# Unmodified clients and TypeScript from PyPI and npm; node comes from PyPI too.
.venv-clients/.ready: clients/requirements.txt clients/node/package-lock.json | setup
	@echo "Setting up .venv-clients, with clients from PyPI and npm."
	@$(UV) venv --quiet --clear --python .venv/bin/python .venv-clients
	@$(UV) pip install --quiet --python .venv-clients/bin/python -r $<
	@PATH="$(CURDIR)/.venv-clients/bin:$$PATH" npm ci --silent --no-audit --no-fund --prefix clients/node
	@touch $@

.tools/bin/uv:
	@echo "Installing uv $(UV_VERSION) into .tools."
	@python3 -m venv .tools
	@.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
