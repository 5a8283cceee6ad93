# ./dev fuzz
# shellcheck shell=bash

fuzz_targets=(definitions times expressions store http launcher)

help_fuzz() {
  cat <<'TEXT'
usage: ./dev fuzz NAME|all [--time SECONDS] [LIBFUZZER OPTION]...
       ./dev fuzz NAME FILE...

Builds the fuzz targets with clang's libFuzzer, address and undefined-behaviour sanitizers in
build/fuzz, and feeds NAME with changed inputs for SECONDS (default 60): definitions (workflow
files), times (cron, periods, calendars, instants), expressions, store (keys and values), http
(requests, references), launcher (its protocol and journal, outputs). It begins with the inputs of
tests/fuzz/corpus/NAME and keeps what reaches new code in build/fuzz/corpus/NAME. An input that
finds a fault is left in build/fuzz/findings and named; with FILE such inputs are run again.
`./dev test` runs the kept inputs, and some changed ones, without clang (tests named fuzz.NAME).
TEXT
}

build_fuzz() {
  local log=$root/build/fuzz.log
  mkdir -p "$root/build/fuzz"
  say "configuring build/fuzz"
  (cd "$root" && cmake --preset fuzz >"$log" 2>&1) || {
    cat "$log" >&2
    die 1 "cmake could not configure build/fuzz"
  }
  say "building $*"
  (cd "$root" && cmake --build build/fuzz --parallel "$(compile_jobs)" --target "$@") ||
    die 1 "the build of build/fuzz failed"
}

# Fuzzes target $1 for $2 seconds; further arguments go to libFuzzer.
fuzz_one() {
  local name=$1 seconds=$2
  shift 2
  local kept=$root/build/fuzz/corpus/$name findings=$root/build/fuzz/findings
  mkdir -p "$kept" "$findings"
  say "fuzzing $name for $seconds s"
  (cd "$root/build/fuzz" && "bin/${name}_fuzz" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=4096 \
    -artifact_prefix="$findings/$name-" -print_final_stats=1 -verbosity=1 "$@" \
    "$kept" "$root/tests/fuzz/corpus/$name" 2>&1) | grep -Ev '^#[0-9]+.*(NEW|REDUCE|pulse|RELOAD)' ||
    return 1
}

verb_fuzz() {
  local name=${1:-} seconds=60 known names=() files=() options=()
  (($# == 0)) || shift
  while (($#)); do
    case $1 in
      --time)
        seconds=${2:-}
        [[ $seconds =~ ^[1-9][0-9]*$ ]] || die 64 "--time takes whole seconds, not \"$seconds\""
        shift
        ;;
      -*) options+=("$1") ;;
      *) files+=("$(realpath -- "$1")") ;;
    esac
    shift
  done
  if [[ $name == all ]]; then
    names=("${fuzz_targets[@]}")
  else
    for known in "${fuzz_targets[@]}"; do [[ $name != "$known" ]] || names=("$name"); done
  fi
  ((${#names[@]})) || die 64 "no target \"$name\"; there are: ${fuzz_targets[*]}, and all"
  need_packages "${build_packages[@]}" "${fuzz_packages[@]}"
  build_fuzz "${names[@]/%/_fuzz}"
  # A stack that names lines, and the leaks of libraries left alone.
  export ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
  export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}
  if ((${#files[@]})); then
    "$root/build/fuzz/bin/${names[0]}_fuzz" "${options[@]}" "${files[@]}" || die 1 "the fault is still there"
    say "fuzz: ${#files[@]} inputs held"
    return
  fi
  local failed=()
  for known in "${names[@]}"; do
    fuzz_one "$known" "$seconds" "${options[@]}" || failed+=("$known")
  done
  ((${#failed[@]} == 0)) || die 1 "faults in: ${failed[*]}; the inputs are in build/fuzz/findings"
  say "fuzz: no fault in ${names[*]}"
}
