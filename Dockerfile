# docker build -t tool-gateway .                              for the CPU
# docker build -t tool-gateway --build-arg BACKEND=cuda .     for NVIDIA GPUs
# docker run -p 127.0.0.1:8000:8000 -e TOOL_GATEWAY_KEYS="me sha256:..." tool-gateway
#   with a line of `tool-gateway key me`; add `--gpus all` for CUDA
ARG BACKEND=cpu

FROM debian:bookworm-slim AS base-cpu
FROM nvidia/cuda:12.6.3-devel-ubuntu24.04 AS base-cuda

FROM base-${BACKEND} AS gateway
ARG BACKEND
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential ca-certificates libgomp1 make python3-dev python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
# An image moves between machines: compile for any x86-64 with AVX2, not for the builder's own.
ENV CMAKE_ARGS=-DGGML_NATIVE=OFF
COPY . .
RUN make setup BACKEND=${BACKEND}
VOLUME /root/.cache/huggingface
EXPOSE 8000
CMD ["/app/.venv/bin/tool-gateway", "serve", "--host", "0.0.0.0"]
