# ./dev build
# shellcheck shell=bash

help_build() {
  cat <<'TEXT'
usage: ./dev build [TARGET]...

Installs what is missing (Debian, as root), configures preset `release` and builds it, or only
the named targets. The programs are then in build/release/bin: pinion and pinionctl.
TEXT
}

verb_build() {
  need_packages "${build_packages[@]}"
  build_preset release "$@"
  say "built: the programs are in $root/build/release/bin"
}
