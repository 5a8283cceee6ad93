# ./dev demo
# shellcheck shell=bash

help_demo() {
  cat <<'TEXT'
usage: ./dev demo

Installs what is missing (Debian, as root), builds pinion, starts `pinion standalone` over
examples/ with a fresh data folder, triggers the workflow ml.train (breast-cancer cases: read,
check, split, tune, train three models, compare, deploy), shows its progress, prints the metrics,
waits until the workflow's minute trigger has run it once by itself, and stops the engine. An
engine that is killed meanwhile is started again, and the run goes on.

Leaves build/demo/summary.txt, the deployed models in build/demo/models, and the data folder, with
which the engine can be started again to look further. Safe to repeat and to interrupt.
TEXT
}

verb_demo() {
  (($# == 0)) || die 64 "demo takes no arguments"
  need_packages "${build_packages[@]}" "${demo_packages[@]}"
  build_preset release pinion pinionctl
  local home=$root/build/demo
  mkdir -p "$home"
  # One demo at a time: the second one would take the first one's data folder away.
  exec 9>"$home/lock"
  flock --nonblock 9 || die 75 "another ./dev demo is under way in this checkout"
  PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$root/tools/dev" \
    python3 -m demo --bin "$root/build/release/bin" --examples "$root/examples" --home "$home"
}
