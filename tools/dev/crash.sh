# ./dev crash
# shellcheck shell=bash

help_crash() {
  cat <<'TEXT'
usage: ./dev crash [--cycles N] [--tasks N] [--seed N] [--disk] [--home DIR] [--limit S] [--keep]

Builds preset `release` and runs the real programs under load while it kills the engine, the
launcher or both at random moments, N times (500, about 15 minutes). Each task appends to a file of
its own; in the end that record is compared with what the engine says: nothing may be lost, nothing
done twice within one attempt, nothing in a wrong state. --tasks is how many tasks are run at least
(100 for each cycle), --home where the data lies (/var/tmp: a real disk), --limit the seconds after
which it fails (3600). With --disk the data lies on a small disk of its own, which runs full and
whose calls fail meanwhile (100 cycles; root, for the mount).

The seed is printed; --seed N chooses the same moments again, though not the same interleaving.
--keep leaves the folder of a run that fails.
TEXT
}

verb_crash() {
  need_packages "${build_packages[@]}"
  build_preset release pinion pinionctl pinion-faulty-calls
  say "killing the real programs: $*"
  PINION_BIN=$root/build/release/bin python3 -B "$root/tests/faults/crash.py" "$@" ||
    die 1 "a crash lost, doubled or falsified something, or never came to its end (see above)"
  say "crash done: nothing lost, nothing doubled, no wrong state"
}
