#!/bin/sh
# Makes a run with curl and waits for its end:
#
#     ./run.sh DIR/pinion.sock WORKFLOW
#
# Prints the run's state; exit code 1 if it is not success.
set -eu
socket=$1 workflow=$2

ask() { curl --silent --show-error --fail-with-body --unix-socket "$socket" "$@"; }
# The first value of a key that holds text, out of JSON without spaces.
text_of() { sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p' | head -n 1; }

run=$(ask http://pinion/api/v1/trigger --json "{\"workflow\":\"$workflow\"}" |
  sed -n 's/^{"id":"\([^"]*\)".*/\1/p')
state=running
while [ "$state" != success ] && [ "$state" != failed ] && [ "$state" != cancelled ] &&
  [ "$state" != skipped ]; do
  state=$(ask "http://pinion/api/v1/runs/$run/wait?timeout_ms=30000" | text_of state)
done
echo "$run: $state"
[ "$state" = success ]
