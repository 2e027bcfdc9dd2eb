#!/usr/bin/env bash
# Installs servers in other languages, to measure beside ours:
#
#   scripts/peers.sh           all of them
#   scripts/peers.sh NAME...   some of them
#   scripts/peers.sh --list    the names, one a line, and whether they are installed
#
# Each comes into a folder of its own, PEERS/NAME, where PEERS is $SIGNALBENCH_PEERS
# or signalbench/peers in the user's cache. PEERS/NAME/start takes --listen HOST:PORT,
# prints {"pid":N,"engine":"NAME","listen":["HOST:PORT"]} as its first line as soon as
# it listens, echoes on /echo, has rooms on /socket/websocket if it has any, and ends
# on SIGINT and SIGTERM. The process that was started is the server: whatever is
# around it takes its place with exec.
#
# `go run ./compare run --peers NAME,...` measures them. Nothing is installed outside
# of that folder but Debian packages that are missing, and no service is started.
set -euo pipefail
cd "$(dirname "$0")/.."
peers=${SIGNALBENCH_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/signalbench/peers}

# need COMMAND PACKAGE: installs the Debian package if the command is missing.
need() {
  command -v "$1" >/dev/null && return
  echo "installing $2"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$2"
  command -v "$1" >/dev/null || { echo "$1 is missing and could not be installed"; return 1; }
}

# Node.js and ws, as npm has it. The first argument is an empty folder to fill.
install_node-ws() {
  need node nodejs
  need npm npm
  cp scripts/peers/node-ws/package.json scripts/peers/node-ws/server.mjs "$1"
  (cd "$1" && npm install --no-audit --no-fund --no-package-lock --omit=dev)
  cat >"$1/start" <<'START'
#!/bin/sh
exec node "$(dirname "$0")/server.mjs" "$@"
START
}

# Their names, in the order of the registry in compare/internal/peers.
names='node-ws'

installed() { [ -x "$peers/$1/start" ]; }

# install_peer NAME: a peer that was there before stays until the new one is whole.
install_peer() {
  new=$peers/.$1.$$ # not local: the trap needs it
  mkdir -p "$new"
  trap 'rm -rf "$new"' EXIT
  "install_$1" "$new"
  chmod 755 "$new/start"
  rm -rf "${peers:?}/$1"
  mv "$new" "$peers/$1"
  echo "$1 is installed: $peers/$1/start"
}

if [ "${1:-}" = --list ]; then
  for name in $names; do
    if installed "$name"; then echo "$name installed"; else echo "$name missing"; fi
  done
  exit
fi
for name in "$@"; do
  [[ " $names " == *" $name "* ]] || { echo "no peer is called $name; there are: $names" >&2; exit 1; }
done
for name in ${@:-$names}; do install_peer "$name"; done
