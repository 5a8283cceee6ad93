# ./dev test
# shellcheck shell=bash

help_test() {
  cat <<'TEXT'
usage: ./dev test [-R REGEX] [-L LABEL] [CTEST OPTION]...

Installs what is missing (Debian, as root), builds preset `release` and runs every test two at a
time; the output of those that fail is shown. Options go to ctest: `-R wheel` runs the tests
whose name matches, `-L e2e` those that drive the real programs, `-LE e2e` the others.
The report is left in build/release/test.log; the exit code is 0 when all passed.
TEXT
}

# Builds preset $1 and runs its tests; the closing lines are ctest's summary.
run_tests() {
  local preset=$1 log=$root/build/$1/test.log status=0
  shift
  build_preset "$preset"
  say "running the tests of preset $preset"
  (cd "$root" && ctest --preset "$preset" -j2 "$@") 2>&1 | tee "$log" || status=$?
  local summary
  summary=$(grep -E '^[0-9]+% tests passed' "$log" | tail -n 1 || true)
  if ((status == 0)); then
    say "tests of preset $preset: ${summary:-done}"
  else
    say "tests of preset $preset FAILED: ${summary:-no test ran}; the report is $log"
  fi
  return "$status"
}

verb_test() {
  # The example of the demo is run by a test.
  need_packages "${build_packages[@]}" "${demo_packages[@]}" "${test_packages[@]}"
  run_tests release "$@"
}
