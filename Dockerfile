# The official image's CPython is built with profile-guided and link-time optimisation.
# Tag and index digest are pinned together; move both deliberately.
ARG PYTHON_IMAGE=python:3.13.9-slim-bookworm@sha256:b685a4fa58bb19d1814d78a1ec0f0208f351452724f78b20212c984d6e124a34

FROM ${PYTHON_IMAGE} AS build
WORKDIR /build
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
COPY requirements.lock requirements-compile.lock ./
RUN python -m venv /opt/gateway \
 && /opt/gateway/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock \
 && python -m venv /opt/compile \
 && /opt/compile/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-compile.lock
COPY pyproject.toml README.md ./
COPY scripts/compiled scripts/compiled
COPY gateway gateway
RUN scripts/compiled /opt/gateway/src /opt/compile/bin/python \
 && /opt/gateway/bin/python -c "import site; open(site.getsitepackages()[0] + '/gateway.pth', 'w').write('/opt/gateway/src')" \
 && /opt/gateway/bin/python -m compileall -q /opt/gateway

FROM ${PYTHON_IMAGE}
RUN groupadd --gid 10001 gateway && useradd --uid 10001 --gid gateway --no-create-home --shell /usr/sbin/nologin gateway \
 && install -d -o gateway -g gateway /app/var
COPY --from=build /opt/gateway /opt/gateway
WORKDIR /app
# `serve` finds no configuration until one is mounted, and says so. The demonstration's listens on loopback, for `demo --config`.
COPY gateway.yaml /opt/gateway/demo/
COPY policies /opt/gateway/demo/policies
ENV PATH=/opt/gateway/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER gateway
# The root file system may be read-only: sessions are the only thing written, under /app/var.
VOLUME /app/var
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/_gateway/health/live', timeout=2)"]
ENTRYPOINT ["python", "-m", "gateway"]
CMD ["serve"]
