# The Swift libraries go into the program; SQLite and libpq are the system's own.
FROM swift:6.3-bookworm AS build
RUN apt-get update \
  && apt-get install --yes --no-install-recommends libsqlite3-dev libpq-dev pkg-config \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /source
# First what changes least, so that a change of the sources does not fetch the dependencies again.
COPY Package.* ./
RUN swift package resolve
COPY . .
RUN swift build -c release --product holdfast --static-swift-stdlib \
    -Xlinker --no-export-dynamic -Xlinker --icf=safe \
  && strip -o /holdfast .build/release/holdfast

FROM debian:bookworm-slim
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates libsqlite3-0 libpq5 \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --system --create-home --home-dir /data holdfast
COPY --from=build /holdfast /usr/local/bin/holdfast
USER holdfast
WORKDIR /data
VOLUME /data
EXPOSE 7420
# Docker ends a container with SIGTERM, which the server takes as: finish what was accepted, then go.
ENTRYPOINT ["holdfast"]
CMD ["serve", "--host", "0.0.0.0", "--data", "/data"]
