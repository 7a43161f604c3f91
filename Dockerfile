# syntax=docker/dockerfile:1
# Builds with the tools, runs without them.
FROM node:24-bookworm AS build
WORKDIR /app
# The lock file's own layer: the native modules, for the database and for HSMs, compile only when it changes.
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts && npm rebuild better-sqlite3 pkcs11js
COPY tsconfig.json ./
COPY src ./src
COPY protocols ./protocols
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:24-bookworm-slim
ENV NODE_ENV=production \
    GATEHOUSE_DATA=/data \
    GATEHOUSE_HOST=0.0.0.0
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY config ./config
RUN install -d -o node -g node -m 0700 /data
USER node
VOLUME /data
EXPOSE 8443 8080 9443
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "dist/src/main.js", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "dist/src/main.js"]
CMD ["serve"]
