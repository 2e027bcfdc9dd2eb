#!/usr/bin/env bash
# Raises the kernel settings that a number of connections needs, and puts back
# what was there. It lowers nothing; which settings those are, and how far, says
# the doctor.
#
#   scripts/tune.sh --conns N    raise them for N connections, both ends here
#   scripts/tune.sh --show       what was there before, and what is there now
#   scripts/tune.sh --revert     put back what was there before the first --conns
#
# What was there is kept in $XDG_STATE_HOME/signalbench-tune.before, in /var/tmp
# without that variable. Anybody but root gets the lines that root would run.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
before=${XDG_STATE_HOME:-/var/tmp}/signalbench-tune.before

fail() { echo "tune: $*" >&2; exit 1; }

# path NAME: the file of a setting (sysctl(8)).
path() { echo "/proc/sys/${1//./\/}"; }

# now NAME: its value, several numbers with one space between them.
now() { local v; { read -ra v <"$(path "$1")"; } 2>/dev/null && echo "${v[*]}"; }

# write NAME VALUE: sets it, and checks that the kernel took it.
write() {
  { echo "$2" >"$(path "$1")"; } 2>/dev/null && [ "$(now "$1")" = "$2" ]
}

# saved: the lines of the state file, if it is root's and holds settings alone:
# /var/tmp is everybody's.
saved() {
  [ -e "$before" ] || return 0
  [ -f "$before" ] && [ ! -L "$before" ] && [ -O "$before" ] || fail "$before is not a file of yours: remove it"
  ! grep -qvE '^(fs|net)(\.[a-z0-9_-]+)+=[0-9]+( [0-9]+)*$' "$before" || fail "$before is damaged: it should hold lines like fs.file-max=1000000"
  cat "$before"
}

# row NAME BEFORE NOW
row() { printf '%-32s %28s %28s\n' "$@"; }

show() {
  local lines name value
  lines=$(saved)
  [ -n "$lines" ] || { echo "nothing was raised: $before does not exist"; return; }
  row setting before now
  while IFS='=' read -r name value; do
    row "$name" "$value" "$(now "$name" || echo gone)"
  done <<<"$lines"
}

raise() {
  local lines wanted name value old failed=0
  wanted=$(cd "$here" && go run ./loadgen doctor --conns "$1" --sysctl) || fail "the doctor has no answer for $1 connections"
  [ -n "$wanted" ] || { echo "every setting is high enough for $1 connections"; return; }
  if [ "$EUID" -ne 0 ]; then
    echo "only root may raise settings. As root:" >&2
    while IFS='=' read -r name value; do echo "sysctl -w $name=\"$value\""; done <<<"$wanted"
    return 1
  fi
  lines=$(saved)
  mkdir -p "$(dirname "$before")"
  # Made here and by nobody else: a name that is there already is no new file.
  [ -e "$before" ] || (umask 077 && set -o noclobber && : >"$before") || fail "cannot make $before"
  row setting before now
  while IFS='=' read -r name value; do
    old=$(now "$name")
    # Before it is changed, so that an end at any moment can be reverted; what an
    # earlier time has kept is older and stays.
    grep -q "^${name//./\\.}=" <<<"$lines" || echo "$name=$old" >>"$before"
    if write "$name" "$value"; then
      row "$name" "$old" "$value"
    else
      row "$name" "$old" "$(now "$name")"
      echo "tune: the kernel does not take $name=$value" >&2
      failed=1
    fi
  done <<<"$wanted"
  echo "scripts/tune.sh --revert puts back what was there ($before)"
  return "$failed"
}

revert() {
  local lines name value failed=0
  lines=$(saved)
  [ -n "$lines" ] || { rm -f "$before"; echo "nothing to revert: $before holds nothing"; return; }
  if [ "$EUID" -ne 0 ]; then
    echo "only root may put settings back. As root:" >&2
    while IFS='=' read -r name value; do echo "sysctl -w $name=\"$value\""; done <<<"$lines"
    return 1
  fi
  while IFS='=' read -r name value; do
    if write "$name" "$value"; then
      echo "$name=$value"
    else
      echo "tune: $name is $(now "$name" || echo gone) and could not be set to $value" >&2
      failed=1
    fi
  done <<<"$lines"
  [ "$failed" -eq 0 ] || fail "not all is as it was; $before is kept"
  rm "$before"
}

usage='scripts/tune.sh --conns N, --show or --revert'
case ${1-} in
--conns)
  [ $# -ge 2 ] || fail "--conns needs a number: $usage"
  [ $# -eq 2 ] || fail "unexpected argument \"$3\": $usage"
  [[ $2 =~ ^[1-9][0-9]{0,9}$ ]] || fail "--conns \"$2\" is not a number of connections from 1 to 9999999999"
  raise "$2"
  ;;
--show | --revert)
  [ $# -eq 1 ] || fail "unexpected argument \"$2\": $usage"
  "${1#--}"
  ;;
-h | --help) sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p}' "$0" ;;
'') fail "say what to do: $usage" ;;
*) fail "unknown argument \"$1\": $usage" ;;
esac
