# ./dev lint
# shellcheck shell=bash

help_lint() {
  cat <<'TEXT'
usage: ./dev lint [--all] [FILE]...
       ./dev lint --asan [CTEST OPTION]...
       ./dev lint --tsan

Checks the named files, else those that differ from the last commit of the main line, or with
--all every file: clang-format, clang-tidy (.clang-tidy), cppcheck (.cppcheck-suppressions), that
each header compiles alone, and shellcheck for the scripts. With --asan it builds preset `asan`
(address and undefined-behaviour sanitizers) and runs all tests under it instead. With --tsan it
runs under the thread sanitizer what that can judge: the HTTP server and the launcher's client,
whose threads are all ours. Of CAF and RocksDB, which Debian ships without it, it sees neither
atomics nor locks, and would report what is no fault.
TEXT
}

# Prints the files to check, one a line, relative to the top.
lint_files() {
  local pattern='^(include|src|tests|tools)/.*\.(hpp|cpp)$'
  if [[ ${1:-} == --all ]]; then
    (cd "$root" && git ls-files --cached --others --exclude-standard) | grep -E "$pattern" || true
  elif (($#)); then
    local file
    for file in "$@"; do realpath --relative-to="$root" -- "$file"; done | grep -E "$pattern" || true
  else
    (cd "$root" && { git diff --name-only --diff-filter=d HEAD; git ls-files --others --exclude-standard; }) |
      sort -u | grep -E "$pattern" || true
  fi
}

# Compiles each of the named headers alone; prints those that do not.
check_headers() {
  local header failed=0
  for header in "$@"; do
    if ! printf '#include "%s"\n' "${header#include/}" |
      c++ -std=c++20 -fsyntax-only -Wall -Wextra -I "$root/include" -I "$root/src" -x c++ -; then
      printf 'lint: %s does not compile alone\n' "$header" >&2
      failed=1
    fi
  done
  return "$failed"
}

# Writes compile commands for clang-tidy: without the precompiled headers of g++, which clang refuses.
configure_lint() {
  local log=$root/build/lint.log
  mkdir -p "$root/build"
  (cd "$root" && cmake --preset debug -B build/lint -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >"$log" 2>&1) || {
    cat "$log" >&2
    die 1 "cmake could not configure build/lint"
  }
}

# Runs cppcheck over the named sources, and so over the headers that they include. Tests are left out: it
# cannot read Catch2's macros.
check_with_cppcheck() {
  local files=() file
  for file in "$@"; do
    [[ $file != tests/* && $file == *.cpp ]] && files+=("$file")
  done
  ((${#files[@]})) || return 0
  (cd "$root" && cppcheck --enable=warning,performance,portability --std=c++20 --language=c++ --quiet \
    --inline-suppr --suppress=missingIncludeSystem --suppressions-list=.cppcheck-suppressions \
    --error-exitcode=1 -j "$(compile_jobs)" -I include -I src -I tools "${files[@]}")
}

lint_tsan() {
  local programs=(http_fuzz execution_tests) folder=$root/build/tsan
  build_preset tsan "${programs[@]}"
  export TSAN_OPTIONS=halt_on_error=1:exitcode=66${TSAN_OPTIONS:+:$TSAN_OPTIONS}
  say "the HTTP server under the thread sanitizer"
  (cd "$folder" && bin/http_fuzz "$root/tests/fuzz/corpus/http" 500) || die 1 "a fault in the HTTP server"
  say "the launcher's client under the thread sanitizer"
  "$folder/bin/execution_tests" || die 1 "a fault in the launcher's client"
  say "lint --tsan: clean"
}

check_scripts() {
  local scripts=(dev .ci/run) script
  for script in "$root"/tools/dev/*.sh; do scripts+=("tools/dev/${script##*/}"); done
  (cd "$root" && shellcheck --external-sources "${scripts[@]}")
}

verb_lint() {
  if [[ ${1:-} == --asan ]]; then
    shift
    need_packages "${build_packages[@]}" "${demo_packages[@]}" "${test_packages[@]}"
    # shellcheck source=tools/dev/test.sh
    source "$root/tools/dev/test.sh"
    # CAF and RocksDB keep what they made until the end of the process.
    # Libraries that tests preload, to make calls fail, come before the sanitizer's.
    export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:verify_asan_link_order=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
    export UBSAN_OPTIONS=print_stacktrace=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}
    run_tests asan "$@"
    return
  fi
  if [[ ${1:-} == --tsan ]]; then
    need_packages "${build_packages[@]}"
    lint_tsan
    return
  fi
  need_packages "${build_packages[@]}" "${lint_packages[@]}" git
  local files=() headers=() sources=() file failed=0
  mapfile -t files < <(lint_files "$@")
  for file in "${files[@]}"; do
    case $file in
      include/*.hpp | src/*.hpp) headers+=("$file") ;;
      *.cpp) sources+=("$file") ;;
    esac
  done
  say "scripts: shellcheck"
  check_scripts || failed=1
  if ((${#files[@]})); then
    say "format of ${#files[@]} files"
    (cd "$root" && clang-format --dry-run -Werror "${files[@]}") || failed=1
  fi
  if ((${#sources[@]})); then
    say "cppcheck"
    check_with_cppcheck "${sources[@]}" || failed=1
  fi
  if ((${#headers[@]})); then
    say "headers: ${#headers[@]} must compile alone"
    (cd "$root" && check_headers "${headers[@]}") || failed=1
  fi
  if ((${#sources[@]})); then
    say "clang-tidy over ${#sources[@]} sources"
    configure_lint
    (cd "$root" && printf '%s\0' "${sources[@]}" |
      xargs -0 -n 4 -P "$(compile_jobs)" clang-tidy --quiet -p build/lint \
        --extra-arg=-Wno-unknown-warning-option) || failed=1
  fi
  ((failed == 0)) || die 1 "lint found faults"
  say "lint: clean (${#files[@]} files)"
}
