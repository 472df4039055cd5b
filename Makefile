# Everything that a day's work takes. `make help` lists it.

PORT ?= 8000
HOST ?= 127.0.0.1
# What llama.cpp computes with: empty for its own default (Metal on a Mac, else the CPU), or cuda,
# metal, vulkan, cpu. It is remembered in .venv until it is given anew.
BACKEND ?= $(shell cat .venv/.backend 2>/dev/null)
# How many cases of each kind are scored; 0 for all.
COUNT ?= 0

UV_VERSION := 0.13.8
UV := $(shell command -v uv || echo .tools/bin/uv)
READY := .venv/.ready
SITE := import sysconfig; print(sysconfig.get_path('purelib'))

# torch for `make adapter`: cpu for the small build, auto for this machine's GPU, empty for PyPI's own.
TORCH ?= cpu
TRAINER := .venv-training/bin/python
CONVERSATIONS := build/conversations.jsonl
OWN := build/own.jsonl

FLAGS_cuda := GGML_CUDA=ON
FLAGS_metal := GGML_METAL=ON
FLAGS_vulkan := GGML_VULKAN=ON
FLAGS_cpu := GGML_METAL=OFF
COMPILE := $(if $(BACKEND),--config-settings-package llama-cpp-python:cmake.define.$(FLAGS_$(BACKEND)))

# Python keeps its bytecode, whatever the environment says: the tests start many processes.
PYTEST := PYTHONDONTWRITEBYTECODE= .venv/bin/pytest -q
PARALLEL := -n logical --dist worksteal -m "not model"

# How llama.cpp computes in `make test-numerics`: names from tests/numerics.py. The variant avx2 has
# a llama.cpp of its own, compiled for processors without AVX-512; uv keeps the compiled wheel.
NUMERICS ?= one-thread two-threads avx2
AVX2 := .venv-avx2
FLAGS_avx2 := GGML_NATIVE=OFF GGML_AVX=ON GGML_AVX2=ON GGML_FMA=ON GGML_F16C=ON GGML_AVX512=OFF

.PHONY: help setup serve test test-fast test-deep test-numerics lint types format check bench soak adapter adapter-test eval clean

help: ## Show this list.
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

setup: $(READY) ## Make .venv: compile llama.cpp, install what the lock file says, get the default model.
	@if [ "$(BACKEND)" != "$$(cat .venv/.backend)" ]; then rm $(READY); $(MAKE) $(READY) BACKEND=$(BACKEND); fi

serve: setup ## Serve the models of models.yaml; PORT=8123 for another port.
	@.venv/bin/tool-gateway serve --host $(HOST) --port $(PORT)

test: test-fast ## Run every test, the real model included.
	@$(PYTEST) -m model

test-fast: setup ## Run the tests that need no model, with few examples of each law.
	@$(PYTEST) $(PARALLEL)

test-deep: setup ## Run every test, with all cases and many examples of each law.
	@$(PYTEST) $(PARALLEL) --deep
	@$(PYTEST) -m model --deep

test-numerics: setup $(if $(filter avx2,$(NUMERICS)),$(AVX2)/.ready) ## Run the tests with the real model with other threads, batches, kernels and seeds. NUMERICS=one-thread for one variant.
	@for name in $(NUMERICS); do \
		environment=.venv; test $$name != avx2 || environment=$(AVX2); \
		PYTHONDONTWRITEBYTECODE= TOOL_GATEWAY_TEST_NUMERICS=$$name $$environment/bin/pytest -q -m model || exit 1; \
	done

lint: setup ## Check style.
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .

types: setup ## Check types.
	@.venv/bin/mypy

format: setup ## Put the code into its form.
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

check: setup ## Check models.yaml and every template in it.
	@.venv/bin/tool-gateway check

bench: setup ## Measure the gateway against llama.cpp's own server and a bare loop; write docs/performance.md.
	@$(UV) sync --quiet --locked --inexact --group bench $(COMPILE)
	@.venv/bin/python -m bench

soak: setup ## Ask three models in the memory of two thousands of things; fails if memory grows. COUNT=500 is quicker.
	@.venv/bin/python -m bench.soak

adapter: .venv-training/.ready ## Make the default model's adapter: conversations, training, export; hours on two cores. It goes on after a stop.
	@mkdir -p build
	@$(TRAINER) -m training.data.generate --seed 8 --count 60000 --out $(CONVERSATIONS)
	@test -s $(OWN) || $(TRAINER) -m training.adapter.own $(OWN)
	@OMP_WAIT_POLICY=PASSIVE $(TRAINER) -m training.adapter.train $(CONVERSATIONS) $(OWN)
	@$(TRAINER) -m training.adapter.export

adapter-test: .venv-training/.ready ## Run the tests of the training.
	@$(TRAINER) -m pytest -q training/adapter/tests

eval: setup ## Score the default model's calls on the held-out set; write docs/evaluation.md. COUNT=20 is quicker.
	@mkdir -p build
	@.venv/bin/python -m training.data.generate --held-out --out build/held_out.jsonl
	@.venv/bin/python -m training.evaluation --set build/held_out.jsonl --count $(COUNT) \
		--failures build/failures.jsonl --docs docs

clean: ## Remove what setup, training and evaluation made, but for the adapter.
	rm -rf .venv .venv-training $(AVX2) .tools build

$(READY): pyproject.toml uv.lock | $(UV)
	@echo "Setting up .venv. The first time, llama.cpp is compiled: that takes some minutes."
	@$(UV) sync --locked $(COMPILE)
	@echo "$(BACKEND)" > .venv/.backend
	@touch $@

$(AVX2)/.ready: pyproject.toml uv.lock | $(UV)
	@echo "Setting up $(AVX2). The first time, llama.cpp is compiled: that takes some minutes."
	@UV_PROJECT_ENVIRONMENT=$(AVX2) $(UV) sync --locked \
		$(FLAGS_avx2:%=--config-settings-package llama-cpp-python:cmake.define.%)
	@touch $@

# It stands on .venv, so that the gateway and llama.cpp are not installed twice.
.venv-training/.ready: training/adapter/requirements.txt | setup
	@echo "Setting up .venv-training, with PyTorch."
	@$(UV) venv --quiet --clear --python .venv/bin/python .venv-training
	@$(UV) pip install --quiet --python $(TRAINER) $(if $(TORCH),--torch-backend $(TORCH)) -r $<
	@.venv/bin/python -c "$(SITE)" > "$$($(TRAINER) -c "$(SITE)")/gateway.pth"
	@touch $@

.tools/bin/uv:
	@echo "Bringing uv $(UV_VERSION) into .tools."
	@python3 -m venv .tools
	@.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
