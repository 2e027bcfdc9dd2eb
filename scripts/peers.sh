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

# packages NAME...: installs Debian packages.
packages() {
  echo "installing $*"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@"
}

# need COMMAND PACKAGE: installs the Debian package if the command is missing.
need() {
  command -v "$1" >/dev/null && return
  packages "$2"
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

# Erlang and Cowboy come from Debian packages, which are unpacked and not installed:
# RabbitMQ brings Cowboy, and nobody wants it to run.
erlang_packages='erlang-base erlang-crypto erlang-asn1 erlang-public-key erlang-ssl erlang-jiffy rabbitmq-server'
cowboy_libraries='cowboy cowlib ranch'

# unpack_erlang DIR: the Erlang system with Cowboy and jiffy, as DIR/otp.
unpack_erlang() {
  local lib
  fetch() { apt-get download -qq -o APT::Sandbox::User="$(id -un)" $erlang_packages; }
  command -v apt-get dpkg-deb >/dev/null || { echo "Erlang and Cowboy come from Debian packages, and this is no Debian" >&2; return 1; }
  mkdir "$1/debs" "$1/unpacked"
  (cd "$1/debs" && { fetch || { apt-get update -qq && fetch; }; })
  for lib in "$1"/debs/*.deb; do dpkg-deb -x "$lib" "$1/unpacked"; done
  mv "$1/unpacked/usr/lib/erlang" "$1/otp"
  for lib in $cowboy_libraries; do cp -r "$1"/unpacked/usr/lib/rabbitmq/lib/rabbitmq_server-*/plugins/"$lib"-* "$1/otp/lib/"; done
  rm -rf "$1/debs" "$1/unpacked"
}

# erlang_start DIR ARG...: writes DIR/start. What it sets:
#   +P, +Q   processes and ports for a million connections
#   +sbwt*   schedulers that wait do not spin: the cores are the load generator's, too
# SIGINT brings Erlang's menu, which the end of standard input answers: it ends.
erlang_start() {
  local dir=$1
  shift
  cat >"$dir/start" <<START
#!/bin/sh
dir=\$(cd "\$(dirname "\$0")" && pwd)
export ROOTDIR="\$dir/otp" BINDIR="\$(echo "\$dir"/otp/erts-*/bin)" EMU=beam PROGNAME=erl ERL_CRASH_DUMP_SECONDS=0
exec "\$BINDIR/erlexec" +P 1048576 +Q 1048576 +sbwt none +sbwtdcpu none +sbwtdio none -noinput -boot start_clean \\
  -kernel logger_level error logger '[{handler,default,logger_std_h,#{config=>#{type=>standard_error}}}]' \\
  -pa "\$dir/ebin" -run signaling -extra $* "\$@" </dev/null
START
  chmod 755 "$dir/start"
}

# cowboy_server DIR ARG...: DIR, which has Erlang in it, filled with our server.
cowboy_server() {
  local dir=$1
  mkdir "$dir/ebin"
  cat >"$dir/compile" <<'COMPILE'
#!/bin/sh
dir=$(cd "$(dirname "$0")" && pwd)
export ROOTDIR="$dir/otp" BINDIR="$(echo "$dir"/otp/erts-*/bin)" EMU=beam PROGNAME=erl ERL_CRASH_DUMP_SECONDS=0
exec "$BINDIR/erlexec" -noinput -boot start_clean "$@"
COMPILE
  chmod 755 "$dir/compile"
  ERLC_EMULATOR=$dir/compile "$(echo "$dir"/otp/erts-*/bin/erlc)" -Werror -o "$dir/ebin" scripts/peers/cowboy/*.erl
  rm "$dir/compile"
  erlang_start "$@"
}

install_cowboy() {
  unpack_erlang "$1"
  cowboy_server "$1" --name cowboy
}

# The same server, whose processes hibernate; it shares the files of Erlang.
install_cowboy-hibernate() {
  if installed cowboy; then cp -al "$peers/cowboy/otp" "$1/otp"; else unpack_erlang "$1"; fi
  cowboy_server "$1" --name cowboy-hibernate --hibernate
}

# An echo on libwebsockets, as Debian has it.
install_libwebsockets() {
  compiler
  [ -e /usr/include/libwebsockets.h ] || packages libwebsockets-dev
  cc -O2 -Wall -o "$1/start" scripts/peers/c/lws_echo.c -lwebsockets
}

# An echo on epoll alone.
install_c-floor() {
  compiler
  cc -O2 -Wall -o "$1/start" scripts/peers/c/floor_ws.c
}

# compiler makes sure that C can be compiled.
compiler() {
  command -v cc >/dev/null && [ -e /usr/include/stdio.h ] || packages gcc libc6-dev
}

# Their names, in the order of the registry in compare/internal/peers.
names='cowboy cowboy-hibernate node-ws libwebsockets c-floor'

installed() { [ -x "$peers/$1/start" ]; }

# install_peer NAME: a peer that was there before stays until the new one is whole.
install_peer() {
  new=$peers/.$1.$$ # not local: the trap needs it
  mkdir -p "$new"
  trap 'rm -rf "$new"' EXIT
  "install_$1" "$new"
  chmod 755 "$new/start"
  starts "$new" "$1"
  rm -rf "${peers:?}/$1"
  mv "$new" "$peers/$1"
  echo "$1 is installed: $peers/$1/start"
}

# starts DIR NAME: what was installed listens, and the process that was started is the
# server.
starts() {
  local line='' pid
  mkfifo "$1/ready"
  "$1/start" --listen 127.0.0.1:0 >"$1/ready" &
  pid=$!
  read -r -t 20 line <"$1/ready" || true
  kill "$pid" 2>/dev/null || true
  wait "$pid" || { echo "$2 did not end with exit code 0 on SIGTERM" >&2; return 1; }
  rm "$1/ready"
  [[ $line =~ \"pid\":\ ?$pid, && $line =~ \"engine\":\ ?\"$2\" ]] || { echo "$2 was started as process $pid and says: $line" >&2; return 1; }
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
