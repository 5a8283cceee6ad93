# What every verb of ./dev shares. Sourced by ./dev with `root` set to the top of the checkout.
# shellcheck shell=bash

# Everything that building, testing and the demo need, as Debian 12 names it. The one list.
build_packages=(
  build-essential ca-certificates ccache cmake curl mold ninja-build pkg-config python3 tzdata
  catch2 libbenchmark-dev libboost-dev libboost-program-options-dev libcaf-dev libcctz-dev
  libfmt-dev librapidcheck-dev librocksdb-dev libspdlog-dev libssl-dev libyaml-cpp-dev
  nlohmann-json3-dev
)
demo_packages=(python3-sklearn)
# What tests need besides: shells whose completion is tried, what judges by JSON Schema.
test_packages=(python3-jsonschema zsh)
lint_packages=(clang-format clang-tidy cppcheck shellcheck)
# Debian keeps the sanitizers of clang apart from it, and llvm names the lines of a stack.
fuzz_packages=(clang libclang-rt-14-dev llvm-14)

# Prints what is going on, apart from the output of the tools.
say() { printf '== %s\n' "$*"; }

# Ends with a sentence on standard error. $1 is the exit code.
die() {
  local code=$1
  shift
  printf 'dev: %s\n' "$*" >&2
  exit "$code"
}

# Makes the surroundings the same everywhere: locale, umask, a temporary folder that exists.
settle_environment() {
  export LC_ALL=C.UTF-8
  export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
  unset CDPATH GREP_OPTIONS CMAKE_GENERATOR DESTDIR CFLAGS CXXFLAGS LDFLAGS MAKEFLAGS
  unset PINION_SERVER
  umask 022
  if [[ -n ${TMPDIR:-} && ! -w ${TMPDIR} ]]; then
    say "TMPDIR=$TMPDIR cannot be written to: using /tmp"
    unset TMPDIR
  fi
}

package_installed() {
  [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# Installs those of the named packages that are missing. Needs no network when none is.
need_packages() {
  command -v dpkg-query >/dev/null 2>&1 || {
    say "this is not a Debian system: taking it that what is needed is there ($*)"
    return 0
  }
  local missing=() name
  for name in "$@"; do
    package_installed "$name" || missing+=("$name")
  done
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    die 69 "these packages are missing; as root: apt-get install ${missing[*]}"
  fi
  say "installing ${#missing[@]} packages with apt-get: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 update ||
    die 69 "apt-get update failed: check the network and /etc/apt/sources.list"
  apt-get -qq -y --no-install-recommends -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 \
    -o Dpkg::Use-Pty=0 install "${missing[@]}" >/dev/null ||
    die 69 "apt-get could not install: ${missing[*]}"
}

# Prints how many compilers may run side by side: one a core, and 1.5 GiB of memory for each.
compile_jobs() {
  local cores by_memory kib
  cores=$(nproc 2>/dev/null || echo 2)
  kib=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo 2>/dev/null || true)
  by_memory=$((${kib:-3145728} / 1572864))
  ((by_memory >= 1)) || by_memory=1
  echo $((cores < by_memory ? cores : by_memory))
}

# Configures and builds preset $1; further arguments are targets (default: everything).
build_preset() {
  local preset=$1
  shift
  local folder=$root/build/$preset cache=$root/build/$preset/CMakeCache.txt
  mkdir -p "$folder"
  # A checkout that was moved or copied carries a build folder that CMake refuses.
  if [[ -f $cache ]] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$cache"; then
    say "build/$preset was made for another place: removing it"
    rm -rf "$folder"
    mkdir -p "$folder"
  fi
  say "configuring preset $preset"
  (cd "$root" && flock -o "build/$preset.lock" cmake --preset "$preset" >"$folder/configure.log" 2>&1) || {
    cat "$folder/configure.log" >&2
    die 1 "cmake could not configure preset $preset"
  }
  local jobs
  jobs=$(compile_jobs)
  say "building preset $preset, $jobs at a time"
  local targets=()
  (($# == 0)) || targets=(--target "$@")
  (cd "$root" && flock -o "build/$preset.lock" \
    cmake --build "build/$preset" --parallel "$jobs" "${targets[@]}") ||
    die 1 "the build of preset $preset failed"
}
