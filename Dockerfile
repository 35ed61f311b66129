# syntax=docker/dockerfile:1
# Owns the image of `backfill`: the published program, the packages it needs, and Node.
#   docker build --tag backfill .
#   docker build --tag backfill:embedded --build-arg EMBEDDED=yes .    with the embedded server: 550 MB more
# The base has glibc because the embedded engine has no build for musl. No HEALTHCHECK: a run does its work and ends, and
# its exit code says how; `backfill status --check` tells whether the tables are complete.

ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
# What only the tests need is big: an engine, a Node, a Deno. The lock holds for the rest.
RUN npm pkg delete devDependencies.chdb devDependencies.ffi-rs devDependencies.node devDependencies.deno \
      devDependencies.testcontainers devDependencies.@testcontainers/clickhouse \
 && npm install --ignore-scripts --no-audit --no-fund
COPY scripts scripts
COPY src src
COPY sql sql
COPY sql-templates sql-templates
COPY page page
RUN node scripts/build.mjs \
 && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

# Apart, so that it is not made again whenever the program changes.
FROM ${NODE_IMAGE} AS engine
ARG EMBEDDED=no
WORKDIR /engine
COPY package.json package-lock.json ./
# Of the locked packages only those that are peers.
RUN mkdir node_modules \
 && if [ "$EMBEDDED" = yes ]; then \
      npm pkg set --json "dependencies=$(npm pkg get peerDependencies)" \
        "devDependencies={}" "peerDependencies={}" "peerDependenciesMeta={}" \
   && npm install --ignore-scripts --no-audit --no-fund; \
    fi

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="backfill" \
      org.opencontainers.image.description="Keeps derived Ethereum tables in ClickHouse complete" \
      org.opencontainers.image.licenses="MIT"
# BACKFILL_IMAGE: messages give advice that fits a container.
ENV NODE_ENV=production \
    BACKFILL_IMAGE=yes
COPY LICENSE CHANGELOG.md /opt/backfill/
COPY --from=build /build/package.json /opt/backfill/
COPY --from=build /build/node_modules /opt/backfill/node_modules
COPY --from=build /build/sql /opt/backfill/sql
COPY --from=build /build/sql-templates /opt/backfill/sql-templates
COPY --from=build /build/page /opt/backfill/page
COPY --from=build /build/dist /opt/backfill/dist
# Beside the program, where Node looks after it has looked in the program's own folder.
COPY --from=engine /engine/node_modules /opt/node_modules
# The working folder is where `.env` is looked for, and where the embedded server's `state` is: a new volume mounted there
# takes its owner and mode from the image.
RUN ln -s /opt/backfill/dist/main.js /usr/local/bin/backfill \
 && install -d -o node -g node /work \
 && install -d -o node -g node -m 700 /work/state
USER node
WORKDIR /work
ENTRYPOINT ["backfill"]
CMD ["--help"]
