#!/usr/bin/env bash
# Everything that is checked before a change lands: form, lint, tests under the
# race detector, truth tests, fuzzing, runs that meet a limit of the kernel and say
# which, one that loses a part of its server, kernel settings raised and put back, a
# real comparison whose report is opened in a browser, relays, a storm and a
# broadcast, the load generator against a server that is not ours, the servers in
# other languages beside ours, published runs repeated, the rooms with a client that
# is not ours, and a run past one process's descriptor limit.
#
#   scripts/test.sh            all steps
#   scripts/test.sh NAME...    some of them; see the list at the end
#
# It starts from a clean Debian machine with Go and Node: what is missing is
# installed, and what cannot be installed fails. Nothing is skipped. Logs of
# the steps, the report and its picture are kept in the folder that it names
# (SIGNALBENCH_OUT, by default a temporary one).
#
# Load goes to 127.0.0.0/8 only, and every step has a time limit.
set -euo pipefail
cd "$(dirname "$0")/.."
export SIGNALBENCH_OUT=${SIGNALBENCH_OUT:-$(mktemp -d "${TMPDIR:-/tmp}/signalbench.XXXXXX")}
out=$SIGNALBENCH_OUT
mkdir -p "$out"

# Most of the work is to compile. The tools have memory enough to collect it less often,
# which makes them a fifth faster; what is compiled is the same.
[[ ${GOFLAGS:-} == *-toolexec* ]] || export GOFLAGS="${GOFLAGS:+$GOFLAGS }'-toolexec=env GOGC=400'"

# need COMMAND PACKAGE...: installs the Debian packages if the command is missing.
need() {
  command -v "$1" >/dev/null && return
  echo "installing ${*:2}"
  one_apt apt-get update -qq
  DEBIAN_FRONTEND=noninteractive one_apt apt-get install -qq -y --no-install-recommends "${@:2}"
  command -v "$1" >/dev/null || { echo "$1 is missing and could not be installed"; return 1; }
}

# one_apt COMMAND...: steps that run beside each other do not install at the same time.
one_apt() { flock -o "$out/apt.lock" "$@"; }

# The race detector is linked by a C compiler.
need_compiler() { need gcc gcc libc6-dev; }

# need_kernel_tools: what faults and tune bring about and put back is the kernel's.
need_kernel_tools() {
  need ip iproute2
  need nft nftables
  need sysctl procps
}

# need_peers NAME...: installs servers in other languages that this run has not yet.
need_peers() {
  local name
  export SIGNALBENCH_PEERS=$out/peers
  for name; do
    [ -x "$SIGNALBENCH_PEERS/$name/start" ] || one_apt scripts/peers.sh "$name"
  done
}

all_peers() { scripts/peers.sh --list | cut -d ' ' -f 1; }

# need_phoenix installs phoenix.js, and our tests beside it, for this run.
need_phoenix() {
  [ -e "$out/phoenix/node_modules/.package-lock.json" ] && return
  need npm npm
  mkdir -p "$out/phoenix"
  cp scripts/peers/phoenix/package.json scripts/peers/phoenix/*.mjs "$out/phoenix"
  (cd "$out/phoenix" && npm install --no-audit --no-fund --no-package-lock)
}

# Provide: what the steps need besides Go is fetched while the first of them compile.
# Each step asks for it again, so that it can run alone.
step_provide() {
  need chromium chromium
  need_kernel_tools
  need_peers $(all_peers)
  need_phoenix
}

# The packages whose tests hold the clock against the truth: they run alone.
timed='/loadgen/internal/truth$'

step_modules() { need_compiler && go mod download && go mod verify && go mod tidy -diff; }

step_gofmt() {
  local ugly
  ugly=$(gofmt -l .)
  [ -z "$ugly" ] || { echo "gofmt would change:"; echo "$ugly"; return 1; }
}

step_vet() { go vet ./...; }

step_staticcheck() { GOGC=400 go tool staticcheck ./...; }

# What does heavy arithmetic on values of its own is compiled without the detector,
# which makes it ten times as slow and has nothing to find there: histograms (package
# results counts each value a second time, where the detector looks), regular
# expressions, compression and ciphers.
unwatched='github.com/HdrHistogram/hdrhistogram-go regexp regexp/syntax compress/flate crypto/internal/fips140/...'

# Race: all packages but the timed ones, and with them the conformance of every
# engine over real sockets.
# They hold servers to the clock, and a machine that is busy with something else
# makes both late: a package that fails has one more try, alone.
# Four packages are tested at once, as the longest mostly wait, in the order of the
# list: these come first, or the last of them would run alone while cores are idle.
step_race() {
  local log=$out/race.first failed flags
  flags=$(printf -- '-race -vet=off -timeout=5m '; printf -- '-gcflags=%s=-race=false ' $unwatched)
  need_compiler
  { go list ./server/netpoll ./server ./server/{enginetest,gorilla} ./loadgen/internal/{trial,workload} ./loadgen && go list ./...; } | awk '!seen[$0]++' |
    grep -v "$timed" | xargs go test $flags -p 4 2>&1 | tee "$log" && return
  failed=$(awk '$1 == "FAIL" && $2 ~ "/" {print $2}' "$log")
  [ -n "$failed" ] || return 1
  echo "once more: $failed"
  xargs go test $flags -count=1 -p 1 <<<"$failed"
}

# Unraced: the tests that the race detector would falsify, memory above all, and
# the files they stand in.
step_unraced() {
  local file names
  git ls-files -co --exclude-standard '*_test.go' | xargs grep -lw raceEnabled | while read -r file; do
    names=$(sed -nE 's/^func (Test[A-Za-z0-9_]*).*/\1/p' "$file" | paste -sd '|')
    [ -z "$names" ] || go test -vet=off -timeout 3m -run "^($names)\$" "./$(dirname "$file")" </dev/null
  done
}

# Optional: the whole conformance kit for the engines that are measured only when they
# are named, which step race holds to its quick cases. It mostly waits, so each engine
# has a process of its own beside all others.
step_optional() {
  local dir
  git ls-files -co --exclude-standard 'server/*.go' | xargs grep -lE '^\s+Optional: +true,' | xargs dirname | sort -u >"$out/optional"
  [ -s "$out/optional" ]
  rm -rf "$out/optional.bin"
  while read -r dir; do go test -vet=off -c -o "$out/optional.bin/$(basename "$dir")" "./$dir" </dev/null; done <"$out/optional"
  for dir in $(cat "$out/optional"); do
    "$out/optional.bin/$(basename "$dir")" -test.list '^TestConformance' | sed "s|^|$dir |"
  done | xargs -P 8 -L 1 scripts/test.sh --alone optional_one
}

# optional_one DIR TEST tells that it passed, or all of what failed.
step_optional_one() {
  local log; log=$out/optional.bin/$(basename "$1").$2.log
  if (cd "$1" && "$out/optional.bin/$(basename "$1")" -test.paniconexit0 -test.timeout 3m -test.run "^$2\$") >"$log" 2>&1; then
    echo "$1 $2 ok"
    return
  fi
  echo "$1 $2 FAILED"
  cat "$log"
  return 1
}

# Truth: the tests that are parallel to each other count and do not time; they mostly
# wait.
step_truth() { go list ./... | grep "$timed" | xargs go test -vet=off -count=1 -timeout 3m -parallel 6 -v; }

# Fuzz: every target that there is, a few seconds each. The test binary of a
# package is linked once; then two targets run at a time, each with one worker; they
# leave the processor to whatever runs beside. Our own packages lead the fuzzer on,
# as they have its instrumentation (go test -fuzz would give it to Go's too, and
# compile all of them again).
guided='-gcflags=signalbench/...=-d=libfuzzer'

step_fuzz() {
  local targets=$out/fuzz.targets dir last=
  rm -rf "$out/fuzz"
  mkdir -p "$out/fuzz"
  git ls-files -co --exclude-standard '*_test.go' | xargs grep -oE '^func Fuzz[A-Za-z0-9_]*' /dev/null |
    sed -E 's|/[^/]*:func | |' | sort >"$targets"
  cut -d ' ' -f 1 "$targets" | sort -u | sed 's|^|./|' | xargs go build "$guided"
  while read -r dir _; do
    [ "$dir" = "$last" ] || go test -vet=off -c "$guided" -o "$out/fuzz/${dir//\//_}.test" "./$dir" </dev/null
    last=$dir
  done <"$targets"
  echo "$(wc -l <"$targets") targets"
  [ -s "$targets" ]
  xargs -P 2 -L 1 nice scripts/test.sh --alone fuzz_one <"$targets"
}

# fuzz_one DIR TARGET tells how far it came, or all of what failed. The fuzzer
# sometimes reports the end of its own time as a failure, without an input that
# fails: only that is tried again.
step_fuzz_one() {
  local try bin=$out/fuzz/${1//\//_} cache log
  log=$bin.$2.log
  cache=$(go env GOCACHE)/fuzz/$(go list "./$1")
  for try in 1 2 3; do
    if (cd "$1" && "$bin.test" -test.paniconexit0 -test.run '^$' -test.fuzz "^$2\$" -test.fuzztime 2s -test.fuzzminimizetime 0x \
      -test.parallel 1 -test.fuzzcachedir "$cache") >"$log" 2>&1; then
      ! grep 'without coverage guidance' "$log" || return 1
      echo "$1 $2: $(grep -E '^fuzz: elapsed: .* execs:' "$log" | tail -n 1)"
      return
    fi
    if grep -q 'Failing input' "$log" || ! grep -q 'context deadline exceeded' "$log"; then break; fi
    echo "$1 $2: the fuzzer's own time ended; once more"
  done
  echo "$1 $2 FAILED"
  cat "$log"
  return 1
}

# twice COMMAND: a run that finds itself INVALID (exit code 2) may have been
# disturbed by the machine, once.
twice() {
  local code=0
  "$@" || code=$?
  if [ "$code" -eq 2 ]; then
    echo "INVALID; once more"
    code=0
    "$@" || code=$?
  fi
  return "$code"
}

# Compare: the suite end to end, as short as it can be and still be VALID.
step_compare() {
  go build -o "$out/compare" ./compare
  suite() {
    rm -rf "$out/suite"
    "$out/compare" run --quick --engines gorilla,netpoll --out "$out/suite"
  }
  twice suite
  test -s "$out/suite/report.html"
  test -s "$out/suite/report.md"
}

# Report: the page shows its verdict and its plots without any network.
step_report() {
  need chromium chromium
  local page=$out/suite/report.html profile
  profile=$(mktemp -d "$out/chromium.XXXXXX")
  chromium_headless() {
    chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
      --disable-component-update --disable-sync --user-data-dir="$profile" --host-resolver-rules='MAP * ~NOTFOUND' "$@" "file://$page"
  }
  chromium_headless --log-net-log="$out/net.json" --dump-dom >"$out/report.dom.html"
  chromium_headless --window-size=1280,2400 --screenshot="$out/report.png"
  rm -rf "$profile"
  echo "screenshot: $out/report.png"
  test -s "$out/report.png"
  local dom=$out/report.dom.html
  grep -A3 '<div class="banner valid">' "$dom" | grep -q '<strong>VALID</strong>' || { echo "the page does not say VALID"; return 1; }
  ! grep -q '>INVALID<' "$dom" || { echo "the page says INVALID"; return 1; }
  local plots
  plots=$(grep -o '<svg[^>]*role="img"' "$dom" | wc -l)
  echo "$plots plots"
  [ "$plots" -ge 3 ] || { echo "the page should hold at least 3 plots"; return 1; }
  # What the browser itself asks for is its own; everything else is the page's.
  local asked
  asked=$(grep -oE '"url":"(https?|wss?|ftp)://[^"]*' "$out/net.json" | sort -u |
    grep -vE '://(clients2\.google\.com|update\.googleapis\.com|accounts\.google\.com|optimizationguide-pa\.googleapis\.com)/' || true)
  [ -z "$asked" ] || { echo "the page asks the network:"; echo "$asked"; return 1; }
}

# Signal: relays, a storm that restarts the server, and a broadcast, each on one
# engine; the report has a section for each.
step_signal() {
  go build -o "$out/signal.bin/" ./server ./loadgen ./compare
  suite() {
    rm -rf "$out/signal.$1"
    "$out/signal.bin/compare" run --quick --bin "$out/signal.bin" --engines netpoll --conns 400 --plateaus 3 --settle 100ms \
      --warmup 300ms --duration 1s --no-yardstick --workload "$1" --out "$out/signal.$1"
  }
  twice suite signal,storm
  twice suite broadcast
  local section
  for section in signal,storm/relay signal,storm/storm broadcast/fanout; do
    grep -q "<section id=\"${section#*/}\">" "$out/signal.${section%/*}/report.html" || { echo "no section $section"; return 1; }
  done
}

# Browser: two pages of the demo, a page and a peer written in Go, and the README's
# example talk over data channels that the server has set up.
step_browser() {
  need chromium chromium
  go test -vet=off -tags browser -count=1 -timeout 2m -v -run '^(TestDemo|TestDemoTellsWhatIsWrong|TestGoPeerAndBrowser|TestReadmeExample)$' ./server
  test -s "$out/demo.png"
  echo "pictures: $out/demo.png, $out/demo.phone.png"
}

# Foreign: the load generator against a WebSocket server that is not ours.
step_foreign() {
  local line address # pid is not local: the trap needs it
  rm -f "$out/ws.ready"
  need_peers node-ws
  mkfifo "$out/ws.ready"
  "$out/peers/node-ws/start" --listen 127.0.0.1:0 >"$out/ws.ready" &
  pid=$!
  trap 'kill "$pid" 2>/dev/null || true' EXIT
  read -r line <"$out/ws.ready"
  address=$(sed -E 's/.*"listen":\["([^"]*)"\].*/\1/' <<<"$line")
  go build -o "$out/loadgen" ./loadgen
  load() {
    rm -rf "$out/ws-run"
    "$out/loadgen" run --url "ws://$address/echo" --server-pid "$pid" --conns 500 --ramp 1000/s --first-echo \
      --workload echo,echo-closed --rate 500/s --in-flight 20 --warmup 500ms --duration 3s --label ws --out "$out/ws-run"
  }
  twice load
}

# Peers: all servers in other languages beside one of ours, each held to the
# conformance kit but for what it is known to fail.
step_peers() {
  local name peers
  peers=$(all_peers)
  need_peers $peers
  go build -o "$out/peers.bin/" ./server ./loadgen ./compare
  suite() {
    rm -rf "$out/peers.run"
    "$out/peers.bin/compare" run --quick --bin "$out/peers.bin" --engines netpoll --peers "${peers//[[:space:]]/,}" --conns 400 --plateaus 3 \
      --settle 100ms --workload echo-closed --warmup 300ms --duration 1s --no-yardstick --out "$out/peers.run"
  }
  twice suite
  for name in $peers; do
    test -s "$out/peers.run/$name/1/run.json" || { echo "$name was not measured"; return 1; }
  done
}

# Reproduce: what others published, with few connections and short windows, end to
# end: servers of bytes, the rungs of a ladder with handshakes timed by themselves, and
# rooms. A scenario with mistakes is refused with the line of each.
step_reproduce() {
  local code=0
  go build -o "$out/reproduce.bin/" ./server ./loadgen ./compare
  reproduce() {
    rm -rf "$out/reproduce.$1"
    sed -E 's/^( +window): .*/\1: 1s/; s/^( +warm_up): .*/\1: 300ms/; s/^( +storm): .*/\1: reset/' "compare/internal/scenario/files/$1.yaml" >"$out/$1.yaml"
    "$out/reproduce.bin/compare" reproduce --scenario "$out/$1.yaml" --bin "$out/reproduce.bin" --out "$out/reproduce.$1" "${@:2}" || return
    grep -q 'Published beside measured' "$out/reproduce.$1/report.html" || { echo "the report of $1 has nothing beside what was published"; return 1; }
  }
  twice reproduce smallnest-tcp --conns 300 --arms prefork
  twice reproduce mailru-3m --conns 300 --arms ladder-a
  twice reproduce phoenix-2m --conns 500
  sed 's/^connections:/conections:/' "$out/phoenix-2m.yaml" >"$out/wrong.yaml"
  "$out/reproduce.bin/compare" reproduce --scenario "$out/wrong.yaml" --bin "$out/reproduce.bin" --out "$out/reproduce.wrong" 2>"$out/reproduce.said" || code=$?
  cat "$out/reproduce.said"
  [ "$code" -eq 1 ] || { echo "exit code $code, bad input has 1"; return 1; }
  grep -q "wrong.yaml:$(grep -n '^conections:' "$out/wrong.yaml" | cut -d : -f 1):.*conections" "$out/reproduce.said"
  [ ! -e "$out/reproduce.wrong" ]
}

# Phoenix: the rooms of every engine, used by phoenix.js as it comes from npm.
step_phoenix() {
  need_phoenix
  go build -o "$out/server" ./server
  (cd "$out/phoenix" && SERVER=$out/server npm test)
}

# Scale: more connections than one process may have descriptors, at both ends,
# under a limit that this step lowers for itself.
step_scale() {
  go build -o "$out/compare" ./compare
  ulimit -n 1200
  suite() {
    rm -rf "$out/scale"
    "$out/compare" run --engines netpoll,gobwas --conns 4000 --workload hold --settle 200ms --duration 2s --out "$out/scale"
  }
  twice suite
}

# Lost: one shard of three is killed while its connections are held. The run
# goes on to its end, counts them, and is INVALID.
step_lost() {
  local code=0 victim # pid is not local: the trap needs it
  go build -o "$out/server" ./server
  go build -o "$out/loadgen" ./loadgen
  rm -rf "$out/lost.run" "$out/lost.ready"
  "$out/server" --engine netpoll --shards 3 --listen 127.0.0.1:21000 --admin 127.0.0.1:21900 >"$out/lost.ready" 2>"$out/lost.said" &
  pid=$!
  trap 'kill "$pid" 2>/dev/null || true' EXIT
  until grep -q '"listen"' "$out/lost.ready"; do
    kill -0 "$pid"
    sleep 0.05
  done
  victim=$(grep -oE '"shards":\[\{"pid":[0-9]+' "$out/lost.ready" | grep -oE '[0-9]+$')
  (
    until grep -q 'connected=900 ' "$out/lost.said"; do sleep 0.1; done
    kill -9 "$victim"
  ) &
  "$out/loadgen" run --url ws://127.0.0.1:21000/echo --ports 3 --conns 900 --admin http://127.0.0.1:21900 \
    --workload hold --duration 4s --out "$out/lost.run" || code=$?
  cat "$out/lost.said"
  [ "$code" -eq 2 ] || { echo "exit code $code, an INVALID run has 2"; return 1; }
  grep -q 'died: signal: killed; it had 300 connections' "$out/lost.said"
  grep -qE '"lost": ?300' "$out/lost.run/run.json" || { echo "the run does not count 300 lost connections"; return 1; }
  grep -q "all 4 processes of the server .*: 1 died (pid $victim), 300 connections were lost, and the others went on" "$out/lost.run/run.json" ||
    { echo "the run does not name the process that died"; return 1; }
}

# Faults: what stopped well-known runs, each brought about in a network namespace
# by a limit that is low and that no check before a run can foresee: no local port,
# a full accept queue, a full table of the firewall, no file left on the machine,
# and too many orphaned sockets at the end. The run names the counter or the limit
# by itself, and ends by itself. Limits that the kernel has once for all namespaces
# are put back; it takes root.
step_faults() {
  local name
  need_kernel_tools
  go build -o "$out/server" ./server
  go build -o "$out/loadgen" ./loadgen
  rm -rf "$out"/fault.*
  before=$(sysctl -e "${whole[@]}") # not local: the trap needs it
  trap 'sysctl -qp - <<<"$before"' EXIT
  for name in ports backlog firewall files orphans; do
    case $name in
      firewall) sysctl -qw net.netfilter.nf_conntrack_max=300 ;;
      orphans) sysctl -qw net.ipv4.tcp_max_orphans=40 ;;
    esac
    unshare --net --kill-child scripts/test.sh --alone "fault_$name"
    sysctl -qp - <<<"$before"
  done
}

# The limits of the whole machine that faults lower.
whole=(net.netfilter.nf_conntrack_max fs.file-max net.ipv4.tcp_max_orphans)

# serving: a server in the namespace that this process is in.
serving() {
  ip link set lo up
  rm -f "$out/fault.ready"
  mkfifo "$out/fault.ready"
  "$@" "$out/server" --engine netpoll --listen 127.0.0.1:22000 --quiet >"$out/fault.ready" &
  pid=$! # not local: the trap needs it
  trap 'kill -9 "$pid" 2>/dev/null || true' EXIT
  read -r <"$out/fault.ready"
}

# load NAME CODE ARGUMENT...: a run that ends with the exit code.
load() {
  local name=$1 want=$2 code=0
  shift 2
  "${as[@]}" "$out/loadgen" run --url ws://127.0.0.1:22000/echo --workload hold --settle 100ms --warmup 0s --duration 500ms --out "$out/fault.$name" "$@" 2>&1 | tee "$out/fault.$name.said" || code=$?
  [ "$code" -eq "$want" ] || { echo "exit code $code, expected $want"; return 1; }
}

# stalls NAME PATTERN: the run has a fatal finding about its ramp with the pattern;
# the first is the one that the command line tells.
stalls() {
  grep -A3 '"check": "ramp"' "$out/fault.$1/run.json" | grep -E "$2" || { echo "no finding about the ramp says: $2"; grep '"text"' "$out/fault.$1/run.json"; return 1; }
  grep -E "INVALID: ramp: .*$2" "$out/fault.$1.said" >/dev/null || { echo "it is not what the command says first"; return 1; }
}

as=() # whom the load generator runs as

# Each source address has 4 ports, and no dial tries more than a few of them.
step_fault_ports() {
  sysctl -qw net.ipv4.ip_local_port_range="40000 40199" net.ipv4.ip_local_reserved_ports=40004-40199
  serving
  load ports 2 --conns 4000 --ramp 4000/s
  stalls ports 'no free local port \(EADDRNOTAVAIL\): .*range is 40000 to 40199, of which .*reserved_ports keeps 196 back'
}

# A server that stops to accept: eight wait for it, and all others are dropped. It goes
# on when the ramp has been given up, so that nobody waits for its goodbye.
step_fault_backlog() {
  sysctl -qw net.core.somaxconn=8
  serving
  (
    until grep -qE 'connected=[1-9]' "$out/fault.backlog.said" 2>/dev/null; do sleep 0.1; done
    kill -STOP "$pid"
    until grep -q 'phase=teardown' "$out/fault.backlog.said"; do sleep 0.1; done
    kill -CONT "$pid"
  ) &
  load backlog 2 --conns 2000 --ramp 200/s --pending 64 --dial-timeout 2s
  stalls backlog 'stopped at [0-9]+ connections of 2000: none came for .* ListenOverflows rose by [0-9]+ \(.*net.core.somaxconn is 8'
  grep -qE '^client no connection came for 3s while [0-9]+ dials are in progress: ListenOverflows rose' "$out/fault.backlog.said" ||
    { echo "nothing was told while it stood still"; return 1; }
}

# A firewall that follows connections has room for 300 of them.
step_fault_firewall() {
  nft 'table ip follow { chain out { type filter hook output priority 0; ct state new counter; }; }'
  serving
  load firewall 2 --conns 600 --ramp 2000/s --pending 64 --dial-timeout 2s
  stalls firewall 'stopped at [0-9]+ connections of 600: none came for .* nf_conntrack drop rose by [0-9]+ .*at most net.netfilter.nf_conntrack_max=300; raise it with'
}

# The kernel spares whoever has CAP_SYS_ADMIN from the limit of files
# (fs/file_table.c, alloc_empty_file).
step_fault_files() {
  as=(setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin)
  serving "${as[@]}"
  (
    until grep -qE 'connected=[1-9]' "$out/fault.files.said" 2>/dev/null; do sleep 0.1; done
    echo $(($(cut -f1 /proc/sys/fs/file-nr) + 300)) >/proc/sys/fs/file-max
  ) &
  load files 2 --conns 4000 --ramp 1000/s --dial-timeout 2s
  stalls files "dials met the limit of files of the machine \(ENFILE\): fs.file-nr (is|was) [0-9]+ .*; raise it with: sysctl -w fs.file-max="
}

# Whoever closes gets no confirmation: segments with FIN are lost.
step_fault_orphans() {
  serving
  nft 'table ip lose { chain out { type filter hook output priority 0; tcp flags & fin == fin drop; }; }'
  load orphans 0 --conns 400 --ramp 2000/s --close-rate 2000/s
  grep -A3 '"check": "kernel"' "$out/fault.orphans/run.json" | grep -E 'TCPAbortOnMemory rose by [0-9]+ .*too many orphaned sockets' ||
    { echo "no finding names the orphans"; grep '"text"' "$out/fault.orphans/run.json"; return 1; }
}

# Tune: kernel settings are raised for more connections than they allow, twice,
# and are then what they were, all of them. It takes root.
step_tune() {
  local conns before
  need_kernel_tools
  export XDG_STATE_HOME=$out/tune
  rm -rf "$XDG_STATE_HOME"
  settings() { (cd /proc/sys && grep -rsH . fs/file-max fs/nr_open fs/epoll net/core/somaxconn net/ipv4/tcp_* net/ipv4/ip_local_port_range | sort); }
  before=$(settings)
  trap 'scripts/tune.sh --revert' EXIT
  conns=$((3000000 + $(cat /proc/sys/net/ipv4/tcp_max_orphans) / 2)) # something is too low, however much was raised
  scripts/tune.sh --conns "$conns"
  [ "$(cat /proc/sys/fs/file-max)" -ge $((2 * conns)) ] || { echo "fs.file-max is too low for both ends of $conns connections"; return 1; }
  [ "$(settings)" != "$before" ] || { echo "nothing was raised"; return 1; }
  scripts/tune.sh --conns $((conns + 100000))
  scripts/tune.sh --show
  [ "$(stat -c %a "$XDG_STATE_HOME/signalbench-tune.before")" = 600 ]
  scripts/tune.sh --revert
  trap - EXIT
  diff <(echo "$before") <(settings)
  [ ! -e "$XDG_STATE_HOME/signalbench-tune.before" ]
}

# The steps in their order, each with its time limit in seconds. One with the name of
# another behind it runs beside those that follow, up to that one: these compile, or
# wait, and measure nothing.
steps='provide:400:race modules:300 gofmt:30 vet:300 staticcheck:300 race:600 unraced:240 truth:240 optional:300:compare
  fuzz:420:compare browser:240 phoenix:120 faults:120 lost:120 tune:60 compare:180 report:240 signal:180 foreign:120 peers:180
  reproduce:180 scale:120'

if [ "${1:-}" = --alone ]; then # one step, or a part of one, in a process of its own
  shift
  "step_$@"
  exit
fi

# carry_out NAME LIMIT: the step in a process of its own.
carry_out() { exec timeout --kill-after=10 "$2" scripts/test.sh --alone "$1" >"$out/$1.log" 2>&1 </dev/null; }

# tell NAME CODE SECONDS: how the step ended, with all that it said if it failed.
tell() {
  if [ "$2" -eq 0 ]; then
    passed=$((passed + 1))
    printf '   %s ok, %d s
' "$1" "$3"
    return
  fi
  failed=$((failed + 1))
  [ "$2" -ne 124 ] || echo 'ran into its time limit' >>"$out/$1.log"
  tail -n 150 "$out/$1.log"
  printf '   %s FAILED with exit code %d, %d s; all of its output: %s
' "$1" "$2" "$3" "$out/$1.log"
}

# finish STEP: waits for what runs beside others up to the step, without one for all.
# Such a step took until it last said something.
declare -A until_step=() pids=() begun=()
finish() {
  local name code
  for name in "${!pids[@]}"; do
    [[ -z $1 || ${until_step[$name]} == "$1" ]] || continue
    code=0
    wait "${pids[$name]}" || code=$?
    unset "pids[$name]"
    tell "$name" "$code" $(($(date -r "$out/$name.log" +%s) - begun[$name]))
  done
}

passed=0 failed=0 asked=$*
for name in $asked; do
  [[ " ${steps//[[:space:]]/ }" == *" $name:"* ]] || { echo "no step is called $name; there are:" $(sed 's/:[0-9a-z:]*//g' <<<"$steps"); exit 1; }
done
trap 'kill "${pids[@]}" 2>/dev/null || true' EXIT
rm -rf "$out/peers" "$out/phoenix"
for entry in $steps; do
  IFS=: read -r name limit until <<<"$entry"
  finish "$name"
  [[ -z $asked || " $asked " == *" $name "* ]] || continue
  printf '== %s
' "$name"
  if [ -n "$until" ]; then
    (carry_out "$name" "$limit") &
    pids[$name]=$! until_step[$name]=$until begun[$name]=$(date +%s)
    continue
  fi
  from=$SECONDS code=0
  (carry_out "$name" "$limit") || code=$?
  tell "$name" "$code" $((SECONDS - from))
done
finish ''
printf 'took %d s; logs in %s\n' "$SECONDS" "$out"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
