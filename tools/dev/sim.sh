# ./dev sim
# shellcheck shell=bash

help_sim() {
  cat <<'TEXT'
usage: ./dev sim [--runs N] [--seed N] [--crashes N] [--trace [--crash POINT]]
       ./dev sim --mutations [--mutation NAME] [--runs N] [--seed N]

A whole engine with its worker, launcher, disk and clock in one thread, deterministic from a seed:
build/release/bin/pinion-sim. Definitions, slots, what people do, and every fault are drawn from
the seed; after each commit an observer of its own checks what must always hold.

  --runs N        try N seeds that nobody has tried (10), or from --seed on
  --seed N        repeat this seed: its history, then one for each crash before and after a commit
  --crashes N     at most N histories with a crash for each seed, spread evenly; 0: all
  --trace         with --seed: one history, every event printed; --crash 17b crashes just before
                  commit 17 is durable, --crash 17a just after
  --mutations     prove that it finds faults: build/mutated is built with a list of faults made on
                  purpose, and each is made, by itself, until a simulation notices; prints which
                  seed and which rule noticed it, and ends with 1 if one is not noticed within
                  --runs seeds (200)
  --list-mutations  print that list

A failure prints what was violated, the last events, and the command that shows it again.
TEXT
}

# The faults that the sources can make and those that the simulation lists are the same ones.
same_mutations() {
  local made listed
  made=$(cd "$root" && grep -rhozE 'PINION_MUTATION\(\s*"[a-z_]+"\)' src | tr '\0' '\n' |
    grep -oE '"[a-z_]+"' | tr -d '"' | sort -u)
  listed=$("$root/build/mutated/bin/pinion-sim" --list-mutations | awk '{print $1}' | sort -u)
  [[ $made == "$listed" ]] || {
    diff <(echo "$made") <(echo "$listed") >&2 || true
    die 1 "the list of mutations is not that of the sources (< sources, > list)"
  }
}

verb_sim() {
  local argument folder=$root/build/mutated
  need_packages "${build_packages[@]}"
  for argument in "$@"; do
    [[ $argument == --mutations ]] || continue
    say "building the simulation with its mutations"
    (cd "$root" && cmake --preset release -B "$folder" -DPINION_MUTATIONS=ON -DPINION_BENCH=OFF &&
      cmake --build "$folder" --parallel "$(compile_jobs)" --target pinion-sim) >/dev/null ||
      die 1 "the build of build/mutated failed"
    same_mutations
    "$folder/bin/pinion-sim" "$@" || die 1 "a mutation was not noticed (see the table above)"
    say "simulation done: every mutation was noticed"
    return
  done
  build_preset release pinion-sim
  say "running the simulation $*"
  "$root/build/release/bin/pinion-sim" "$@" || die 1 "the simulation found a fault (see the seed above)"
  say "simulation done: no fault found"
}
