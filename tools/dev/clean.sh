# ./dev clean
# shellcheck shell=bash

help_clean() {
  cat <<'TEXT'
usage: ./dev clean

Removes build/ with all that was built, tested and left by the demo. The sources stay.
TEXT
}

# Ends an engine that an interrupted demo left behind: its folder is about to go.
stop_demo_engine() {
  local ctl=$root/build/release/bin/pinionctl data=$root/build/demo/data
  if [[ -x $ctl && -S $data/pinion.sock ]]; then
    "$ctl" --server "$data/pinion.sock" shutdown --tasks stop --reason "dev clean" >/dev/null 2>&1 || true
  fi
}

verb_clean() {
  (($# == 0)) || die 64 "clean takes no arguments"
  stop_demo_engine
  rm -rf "$root/build"
  say "removed $root/build"
}
