# One image for workers and servers: docker build -t gist:0.1.0 .   With NVIDIA GPU: --build-arg DEVICE=cuda -t gist:0.1.0-cuda
# Checked here without a container engine (test/unit/infra); running it belongs to the operations work.
ARG NODE_VERSION=20.20.2

FROM node:${NODE_VERSION}-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends g++ python3 python3-pip \
 && rm -rf /var/lib/apt/lists/*
# cpu or cuda: which TensorFlow library set-up downloads and binds. CUDA itself comes with its wheels.
ARG DEVICE=cpu
ENV GIST_TENSORFLOW=${DEVICE} \
    GIST_CACHE_DIR=/opt/gist-cache
WORKDIR /opt/gist
COPY package.json package-lock.json .npmrc ./
COPY scripts/ scripts/
COPY requirements/ requirements/
COPY tsconfig.json LICENSE ./
COPY bin/ bin/
COPY docs/spec.schema.json docs/
COPY examples/ examples/
COPY src/ src/
RUN npm run setup && npm run build && npm prune --omit=dev --ignore-scripts --no-save
# The servers' programs under plain names, as infra/compose.yaml calls them.
RUN mkdir /opt/gist-bin \
 && for program in temporal weed; do \
      ln -s "$(find /opt/gist-cache -type f -path "*/scripts/${program}" | grep .)" "/opt/gist-bin/${program}" || exit 1; \
    done

FROM node:${NODE_VERSION}-bookworm-slim
ARG DEVICE=cpu
ENV NODE_ENV=production \
    GIST_TENSORFLOW=${DEVICE} \
    GIST_CACHE_DIR=/opt/gist-cache \
    GIST_HOME=/data/gist \
    GIST_DATA_CACHE=/data/cache \
    PATH=/opt/gist-bin:$PATH
COPY --from=build /opt/gist-cache /opt/gist-cache
COPY --from=build /opt/gist-bin /opt/gist-bin
COPY --from=build /opt/gist /opt/gist
# Named volumes mounted here inherit this owner. Parts are read from /opt/gist-cache; what runs keep
# goes to GIST_DATA_CACHE, which any user may set to a folder of theirs (docker run --user).
RUN mkdir -p /data && chown node:node /data && chmod -R a+rX /opt/gist-cache /opt/gist
USER node
WORKDIR /data
ENTRYPOINT ["node", "/opt/gist/bin/gist.mjs"]
CMD ["--help"]
