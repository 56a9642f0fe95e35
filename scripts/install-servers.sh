#!/usr/bin/env bash
# Installs the servers that tests talk to, from Debian: nats-server. Where that cannot be done, tests that need one are
# skipped, and say so.
set -euo pipefail

if command -v nats-server >/dev/null; then
  exit 0
fi
if [[ "$(id -u)" -ne 0 ]] || ! command -v apt-get >/dev/null; then
  echo "No nats-server, and no right to install one: tests of load over NATS will be skipped." >&2
  exit 0
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends nats-server
# The package may start it as a service; tests start their own, on free ports.
if command -v systemctl >/dev/null && systemctl is-active --quiet nats-server 2>/dev/null; then
  systemctl stop nats-server
fi
