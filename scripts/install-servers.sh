#!/usr/bin/env bash
# Installs the servers that tests talk to, from Debian: nats-server and redis-server. Where that cannot be done, tests that
# need one are skipped, and say so.
set -euo pipefail

missing=()
for server in nats-server redis-server; do
  command -v "$server" >/dev/null || missing+=("$server")
done
if [[ ${#missing[@]} -eq 0 ]]; then
  exit 0
fi
if [[ "$(id -u)" -ne 0 ]] || ! command -v apt-get >/dev/null; then
  echo "No ${missing[*]}, and no right to install them: tests that need them will be skipped." >&2
  exit 0
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}"
# The packages may start them as services; tests start their own, on free ports.
for server in "${missing[@]}"; do
  if command -v systemctl >/dev/null && systemctl is-active --quiet "$server" 2>/dev/null; then
    systemctl stop "$server"
  fi
done
