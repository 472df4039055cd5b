# An image that serves the default model, or a models.yaml that is mounted: docs/docker.md.
ARG BACKEND=cpu

FROM debian:bookworm-slim AS build-cpu
FROM nvidia/cuda:12.6.3-devel-ubuntu24.04 AS build-cuda
FROM debian:bookworm-slim AS run-cpu
FROM nvidia/cuda:12.6.3-runtime-ubuntu24.04 AS run-cuda

FROM build-${BACKEND} AS build
ARG BACKEND
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential ca-certificates python3-dev python3-venv \
    && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/uv && /opt/uv/bin/pip install --no-cache-dir uv==0.13.8
ENV UV_PROJECT_ENVIRONMENT=/opt/tool-gateway UV_PYTHON=/usr/bin/python3 UV_LINK_MODE=copy
# For any x86-64 processor with AVX2 instead of the build machine's, so that the image is portable.
ENV CMAKE_ARGS=-DGGML_NATIVE=OFF
WORKDIR /src
# What is installed, without the gateway itself: a change of its code does not compile llama.cpp again.
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv \
    if [ "${BACKEND}" = cuda ]; then export CMAKE_ARGS="${CMAKE_ARGS} -DGGML_CUDA=ON"; fi \
    && /opt/uv/bin/uv sync --locked --no-dev --extra model --extra postgres --no-install-project
COPY README.md LICENSE ./
COPY templates templates
COPY adapters adapters
COPY gateway gateway
RUN --mount=type=cache,target=/root/.cache/uv \
    /opt/uv/bin/uv sync --locked --no-dev --extra model --extra postgres --inexact --no-editable --compile-bytecode

FROM run-${BACKEND}
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libgomp1 python3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home gateway \
    && install --directory --owner gateway --group gateway /config /models
COPY --from=build /opt/tool-gateway /opt/tool-gateway
ENV PATH=/opt/tool-gateway/bin:${PATH} HF_HOME=/models
USER gateway
WORKDIR /config
VOLUME /models
EXPOSE 8000
HEALTHCHECK --start-period=30s \
    CMD ["python3", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/livez', timeout=5)"]
ENTRYPOINT ["tool-gateway"]
CMD ["serve", "--host", "0.0.0.0"]
