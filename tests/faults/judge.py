"""Compares the record outside with what the engine says."""
import collections
import datetime

from harness import TERMINAL
from load import ENDS, POOL_UNITS, WITHOUT_PROCESS

# Reasons for which an attempt that may have begun has no end, or no beginning, of its own.
LOST = {"launcher_lost", "worker_lost"}
MOST_LOST = 3


class Findings(list):
    """What is wrong, one sentence each."""

    def say(self, *words):
        self.append(" ".join(map(str, words)))


def read_record(path):
    """Returns the lines of one instance's file as (sign, attempt, rest)."""
    lines = []
    for line in path.read_text(errors="replace").splitlines():
        sign, attempt, *rest = line.split(" ", 2)
        lines.append((sign, int(attempt), rest[0] if rest else ""))
    return lines


def judge_instance(found, instance, attempts, lines, started_nothing, cancelled):
    """Judges one instance. `attempts`: by number; `lines`: its record; `started_nothing`: whether an attempt may have
    failed before its process existed (a full disk); `cancelled`: its run was."""
    name = instance["id"]
    starts = collections.Counter(number for sign, number, _ in lines if sign == "+")
    ends = {number for sign, number, _ in lines if sign == "-"}
    for number, count in starts.items():
        if count > 1:
            found.say("DOUBLED:", name, "started", count, "times within attempt", number)
        if number not in attempts:
            found.say("UNKNOWN:", name, "ran as attempt", number, "which the engine does not have")
    for sign, number, rest in lines:
        if sign == "+" and number in attempts and rest.split("@")[0] != attempts[number]["fence"]:
            found.say("FENCE:", name, "attempt", number, "ran as", rest, "not", attempts[number]["fence"])
        if sign == "-" and rest:
            found.say("VALUE:", name, "attempt", number, rest)
    highest = 0
    for _, number, _ in lines:
        if number < highest:
            found.say("OVERLAP:", name, "attempt", number, "was alive after", highest, "began")
        highest = max(highest, number)
    for number, attempt in attempts.items():
        if attempt["state"] not in TERMINAL:
            found.say("OPEN:", name, "attempt", number, "is", attempt["state"])
        may_be_silent = attempt["reason"] in LOST or (started_nothing and attempt["reason"] == "not_started")
        if number not in starts and not may_be_silent and not cancelled and instance["task"] not in WITHOUT_PROCESS:
            found.say("LOST:", name, "attempt", number, "left no record; the engine says", attempt["state"],
                      attempt["reason"], attempt["message"])
        if attempt["exit_code"] is not None and number not in ends and instance["task"] not in WITHOUT_PROCESS:
            found.say("LOST:", name, "attempt", number, "exited with", attempt["exit_code"], "but did not end")
    if sorted(attempts) != list(range(1, len(attempts) + 1)):
        found.say("ATTEMPTS:", name, "has", sorted(attempts))
    wanted = ENDS.get(instance["task"], "success")
    unlucky = sum(one["reason"] in LOST for one in attempts.values()) > MOST_LOST
    if instance["state"] not in (wanted, *(("cancelled",) if cancelled else ())) and not unlucky:
        found.say("STATE:", name, "is", instance["state"], instance["reason"], instance["message"], "not", wanted)
    return unlucky


def judge_run(found, client, run, records, started_nothing, cancelled):
    """Judges a run and takes its records away; returns its numbers of instances and attempts."""
    instances = client.items("instances", run=run["id"])
    attempts = collections.defaultdict(dict)
    for attempt in client.items("attempts", run=run["id"]):
        attempts[attempt["instance"]][attempt["number"]] = attempt
    unlucky = False
    for instance in instances:
        file = f"{run['id']}.{instance['task']}.{instance['index'] or ''}"
        lines = read_record(records.pop(file)) if file in records else []
        unlucky |= judge_instance(found, instance, attempts[instance["id"]], lines, started_nothing, cancelled)
    if run["state"] != "success" and not unlucky and not cancelled:
        found.say("STATE:", run["id"], "is", run["state"], run["reason"])
    return len(instances), sum(map(len, attempts.values()))


def judge_slots(found, client, now):
    """Each slot of the clock is on record once, without a hole."""
    slots = client.items("slots", workflow="t.ticks")
    times = collections.Counter(one["slot"] for one in slots)
    for slot, count in times.items():
        if count > 1:
            found.say("SLOT:", slot, "is on record", count, "times")
    marks = sorted(map(datetime.datetime.fromisoformat, times))
    for earlier, later in zip(marks, marks[1:]):
        if later - earlier != datetime.timedelta(seconds=2):
            found.say("SLOT: nothing is on record between", earlier, "and", later)
    if marks and (now - marks[-1]).total_seconds() > 30:
        found.say("SLOT: the last one is", marks[-1])
    runs = client.items("runs", workflow="t.ticks")
    by_slot = collections.Counter(run["slot"] for run in runs)
    for slot, count in by_slot.items():
        if count > 1:
            found.say("SLOT:", slot, "has", count, "runs")
    for slot in slots:
        if slot["run"] is None and slot["outcome"] not in ("missed", "paused", "skipped_overlap"):
            found.say("SLOT:", slot["slot"], "is", slot["outcome"], "without a run")
    return len(slots)


def judge_pool(found, path):
    """Of the processes that were seen to leave, never more than the pool has were in it."""
    if not path.exists():
        return
    lines = [line.split(" ", 1) for line in path.read_text().splitlines()]
    left = {who for sign, who in lines if sign == "-"}
    inside = set()
    for sign, who in lines:
        if who not in left:
            continue
        inside.add(who) if sign == "+" else inside.discard(who)
        if len(inside) > POOL_UNITS:
            found.say("POOL:", len(inside), "were in a pool of", POOL_UNITS, inside)
            return


def judge(client, starter, folder, more=(), may_be_cancelled=(), started_nothing=False):
    """Returns what is wrong, and figures. The engine is at rest. `more`: further workflows that use the load's
    script; those of `may_be_cancelled` may have been cancelled by whoever made them."""
    found = Findings()
    records = {path.name: path for path in folder.iterdir() if path.name.count(".") == 2}
    by_id = {run["id"]: run for run in client.items("runs", workflow="t.load")}
    wanted = set(starter.runs.values())
    for run_id in sorted(wanted - set(by_id)):
        found.say("LOST:", run_id, "was acknowledged and is not there")
    for run_id in sorted(set(by_id) - wanted):
        found.say("DOUBLED:", run_id, "belongs to no request that was acknowledged")
    if len(wanted) != len(starter.runs):
        found.say("DOUBLED:", len(starter.runs) - len(wanted), "keys share a run")
    inner = client.items("runs", workflow="t.inner")
    if len(inner) != len(by_id):
        found.say("CALLS:", len(by_id), "runs called", len(inner))
    figures = collections.Counter()
    for run in (*by_id.values(), *inner, *client.items("runs", workflow="t.ticks"),
                *(run for workflow in more for run in client.items("runs", workflow=workflow))):
        cancelled = run["state"] == "cancelled" and run["workflow"] in may_be_cancelled
        instances, attempts = judge_run(found, client, run, records, started_nothing, cancelled)
        figures["runs"] += 1
        figures["instances"] += instances
        figures["attempts"] += attempts
    for name in records:
        found.say("UNKNOWN:", name, "is a record of nothing")
    figures["slots"] = judge_slots(found, client, datetime.datetime.now(datetime.timezone.utc))
    judge_pool(found, folder / "pool")
    return found, figures
