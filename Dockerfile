# The images of CC-Executor: docker build --target control|runner|runtime .
# `make images` builds them all, with docker, podman or buildah, also where no registry is reached.
#
# `runtime` holds the Claude Code CLI, whose licence does not allow us to publish it: build that
# image for yourself, and keep it in a registry of your own.
#
# BASE has python3 (3.11 or newer) with venv: Docker's python image or Debian's own packages.
ARG BASE=python:3.11-slim-bookworm


FROM ${BASE} AS pip
ENV LANG=C.UTF-8 \
    PATH=/tools/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_FIND_LINKS=/wheels \
    PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python3 -m venv /tools


FROM pip AS build
# Without pip, which is needed here only.
RUN python3 -m venv --without-pip /opt/ccx \
    && python3 -m venv --without-pip /opt/ccx-runner
# `make images` has put the wheels into the context, and says PIP_NO_INDEX=1; else there are none.
COPY hack/images/requirements.txt hack/images/build.txt .ccx/images/wheel[s] /wheels/
ARG PIP_NO_INDEX=
# The dependencies stand in a layer before the sources, which change more often.
RUN pip install --require-hashes -r /wheels/build.txt \
    && pip --python /opt/ccx/bin/python install --no-compile --require-hashes -r /wheels/requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY crds/ccx_api crds/ccx_api
COPY operator operator
COPY gateway gateway
# Byte code by hash, not by time: equal sources make equal files, and a read-only root has them.
# By force, because pip has imported some of it.
# Without the generated calls and models of the Kubernetes client, which loads them when they are
# asked for: 65 MB that we do not ask for. kopf does, for three.
RUN pip wheel --no-build-isolation --no-deps --wheel-dir /dist . \
    && pip --python /opt/ccx/bin/python install --no-compile --no-deps /dist/*.whl \
    && pip --python /opt/ccx-runner/bin/python install --no-compile --no-deps /dist/*.whl \
    && find /opt/ccx/lib -regex '.*/kubernetes/\(aio/\)?client/\(api\|models\)/[^_]*_.*\.py' \
        ! -name v1_managed_fields_entry.py ! -name v1_object_meta.py ! -name v1_owner_reference.py -delete \
    && python3 -m compileall -f -q --invalidation-mode unchecked-hash /opt/ccx/lib /opt/ccx-runner/lib \
    && /opt/ccx/bin/ccx-operator --help > /dev/null \
    && /opt/ccx/bin/ccx-gateway --help > /dev/null


FROM ${BASE} AS control
ARG VERSION=unknown
LABEL org.opencontainers.image.title="cc-executor control" \
      org.opencontainers.image.description="Operator and gateway of CC-Executor for Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
ENV LANG=C.UTF-8 \
    PATH=/opt/ccx/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1
COPY --from=build /opt/ccx /opt/ccx
USER 10001:10001
CMD ["ccx-operator", "--help"]


FROM ${BASE} AS runner
ARG VERSION=unknown
LABEL org.opencontainers.image.title="cc-executor runner" \
      org.opencontainers.image.description="What an execution's init container puts into its pod" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
ENV LANG=C.UTF-8 \
    PATH=/opt/ccx-runner/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1
COPY --from=build /opt/ccx-runner /opt/ccx-runner
USER 10001:10001
CMD ["ccx-runner", "--help"]


FROM pip AS claude
COPY hack/claude-cli.txt .ccx/images/cli-wheel[s] /wheels/
ARG PIP_NO_INDEX=
# The version of the wheel that bundles the CLI; by default what hack/claude-cli.txt says.
ARG CLAUDE_AGENT_SDK=
RUN if [ -n "${CLAUDE_AGENT_SDK}" ]; then echo "claude-agent-sdk==${CLAUDE_AGENT_SDK}" > /wheels/claude-cli.txt; fi \
    && pip install --no-compile --no-deps --target /cli -r /wheels/claude-cli.txt


FROM ${BASE} AS runtime
ARG VERSION=unknown
LABEL org.opencontainers.image.title="cc-executor runtime" \
      org.opencontainers.image.description="The agent's image where an execution names none: Claude Code, git, python3" \
      org.opencontainers.image.licenses="LicenseRef-Anthropic-Commercial-Terms AND Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
ENV LANG=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# Not pinned: Debian's mirrors keep the newest of a release only, with its security fixes.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git \
    && apt-get clean \
    && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log /var/cache/ldconfig \
    && echo 'agent:x:10001:10001::/home/agent:/bin/bash' >> /etc/passwd \
    && echo 'agent:x:10001:' >> /etc/group
COPY --from=claude /cli/claude_agent_sdk/_bundled/claude /usr/local/bin/claude
USER 10001:10001
WORKDIR /workspace
CMD ["claude", "--help"]
