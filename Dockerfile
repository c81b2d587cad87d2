# The Python that the tests run on. For a build that can be repeated, name it by digest (docs/install.md):
#   --build-arg PYTHON=python:3.11-slim-bookworm@sha256:…
ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ONLY_BINARY=:all:
WORKDIR /src
# What changes seldom comes first, so that an edit of maintd does not install its libraries anew.
COPY requirements/run.txt requirements/build.txt requirements/
RUN python -m venv /build \
    && /build/bin/pip install --require-hashes -r requirements/build.txt \
    && python -m venv --without-pip /opt/maintd \
    && /build/bin/pip --python /opt/maintd/bin/python install --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY maintd maintd
RUN /build/bin/pip wheel --no-deps --no-build-isolation -w /wheels . \
    && /build/bin/pip --python /opt/maintd/bin/python install --no-deps --no-index /wheels/*.whl

FROM ${PYTHON}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="maintd" \
      org.opencontainers.image.description="Scheduled maintenance for Kubernetes and GKE" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Nothing is installed where it runs.
RUN python -m pip uninstall --yes pip setuptools wheel
COPY --from=build /opt/maintd /opt/maintd
# The root is read-only in the cluster; byte code was written when the libraries were installed.
# One arena: glibc keeps what threads have freed in one for each, and a large backup would never give it back.
ENV PATH=/opt/maintd/bin:$PATH \
    HOME=/tmp \
    MALLOC_ARENA_MAX=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MAINTD_JOBS_FILE=/etc/maintd/jobs.yaml \
    MAINTD_HTTP_ADDRESS=0.0.0.0:8080
WORKDIR /var/lib/maintd
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["maintd"]
CMD ["serve"]
