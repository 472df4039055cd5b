# docker build -t tool-gateway .                              for the CPU
# docker build -t tool-gateway --build-arg BACKEND=cuda .     for NVIDIA GPUs
# docker run -p 127.0.0.1:8000:8000 -e TOOL_GATEWAY_KEYS="me sha256:..." tool-gateway
# TOOL_GATEWAY_KEYS takes the line that `tool-gateway key me` prints. Add `--gpus all` for CUDA.
ARG BACKEND=cpu

FROM debian:bookworm-slim AS base-cpu
FROM nvidia/cuda:12.6.3-devel-ubuntu24.04 AS base-cuda

FROM base-${BACKEND} AS gateway
ARG BACKEND
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential ca-certificates libgomp1 make python3-dev python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
# Compile for any x86-64 CPU with AVX2 instead of the build machine's, so that the image is portable.
ENV CMAKE_ARGS=-DGGML_NATIVE=OFF
COPY . .
RUN make setup BACKEND=${BACKEND}
VOLUME /root/.cache/huggingface
EXPOSE 8000
CMD ["/app/.venv/bin/tool-gateway", "serve", "--host", "0.0.0.0"]
