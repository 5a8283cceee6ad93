# ./dev sim
# shellcheck shell=bash

help_sim() {
  cat <<'TEXT'
usage: ./dev sim [--runs N | --seed N]

Builds preset `release` and runs build/release/bin/pinion-sim: a whole engine with its local
worker in one thread, deterministic from a seed, with crashes at its commits. --runs N tries N
seeds; --seed N repeats one. A failure names its seed.
TEXT
}

verb_sim() {
  need_packages "${build_packages[@]}"
  build_preset release pinion-sim
  say "running the simulation $*"
  "$root/build/release/bin/pinion-sim" "$@" || die 1 "the simulation found a fault (see the seed above)"
  say "simulation done: no fault found"
}
