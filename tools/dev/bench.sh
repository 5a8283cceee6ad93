# ./dev bench
# shellcheck shell=bash

help_bench() {
  cat <<'TEXT'
usage: ./dev bench [ARGUMENT]...

Builds preset `release` and runs build/release/bin/pinion-bench with the arguments: what the
engine does a second, beside the floors of this machine measured in the same run. Takes some
minutes; run nothing else meanwhile.
TEXT
}

verb_bench() {
  need_packages "${build_packages[@]}"
  build_preset release pinion-bench
  say "running the benchmarks"
  "$root/build/release/bin/pinion-bench" "$@" || die 1 "a benchmark failed"
  say "benchmarks done"
}
