"""What fires when, what waits for what, and the past made again."""
import datetime
import json
import subprocess
import unittest
from collections import Counter

from harness import BIN, DONE, FAILED, REFUSED, OwnEngineTest, until

ORDERS = """
workflow: orders
triggers: [{id: tick, cron: "*/4 * * * * *", misfire: all}]
max_active_runs: 50
tasks:
  load:
    run: |
      echo $PINION_SLOT >> @DIR@/load
      echo rows=7 >> $PINION_OUTPUT
---
workflow: sums
triggers: [{id: tick, cron: "*/4 * * * * *", misfire: all}]
max_active_runs: 50
tasks:
  sum:
    needs: [{task: t.orders.load, slot: same_slot, as: orders}]
    depends_on_previous: self
    run: echo $PINION_SLOT {{ inputs.orders.rows }} >> @DIR@/sum
---
workflow: reports
triggers: [{id: follow, after: t.sums}]
max_active_runs: 50
tasks: {report: {type: empty}}
"""

DAILY = """
workflow: daily
timezone: Europe/Berlin
triggers: [{id: night, cron: "30 2 * * *"}]
tasks:
  load: {run: "sleep 0.2; echo {{ biz_date }} >> @DIR@/load"}
  publish: {needs: load, run: "echo {{ biz_date }} >> @DIR@/publish"}
"""


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def ctl(*arguments):
    """pinionctl without an engine."""
    return subprocess.run([BIN / "pinionctl", *map(str, arguments)], capture_output=True, text=True,
                          timeout=60, check=False)


class Needs(OwnEngineTest):
    def slots(self, engine, workflow, state="success"):
        return {one["slot"]: one for one in engine.items("runs", "--workflow", workflow)
                if one["state"] == state}

    def test_slot_waits_for_slot_over_kills(self):
        engine = self.engine({"all.yaml": ORDERS}).start()
        until(lambda: len(self.slots(engine, "t.reports")) >= 2, "two followers", 40)
        for _ in range(3):
            engine.kill9()
            engine.start()
        before = len(self.slots(engine, "t.reports"))
        until(lambda: len(self.slots(engine, "t.reports")) >= before + 2, "two more", 60)
        loads = {one["run"]: one for one in engine.items("instances", "--workflow", "t.orders")}
        sums = {one["run"]: one for one in engine.items("instances", "--workflow", "t.sums")}
        orders_runs, sums_runs = self.slots(engine, "t.orders"), self.slots(engine, "t.sums")
        self.assertGreaterEqual(len(sums_runs), 3)
        ends = []
        for slot, run in sorted(sums_runs.items()):
            load, done = loads[orders_runs[slot]["id"]], sums[run["id"]]
            self.assertLessEqual(instant(load["ended_at"]), instant(done["started_at"]), slot)
            ends.append((instant(done["started_at"]), instant(done["ended_at"])))
        for (_, ended), (started, _) in zip(ends, ends[1:]):
            self.assertLessEqual(ended, started, "each sum waits for the one before it")
        # Each slot once, with the value that its upstream gave.
        for name in ("load", "sum"):
            self.assertEqual({n for n in Counter(engine.record(name)).values()}, {1})
        self.assertTrue(all(line.endswith(" 7") for line in engine.record("sum")))

    def test_frozen_upstream_is_what_why_names_until_it_is_thawed(self):
        engine = self.engine({"all.yaml": ORDERS}).start()
        engine.ctl("freeze", "t.orders.load", "--reason", "source is late")
        waiting = until(lambda: [one for one in engine.items("runs", "--workflow", "t.sums")
                                 if one["state"] == "queued"], "a run that waits", 40)
        run_id = waiting[0]["id"]
        instance = engine.instances(run_id)["sum"]
        self.assertEqual(instance["state"], "waiting")
        why = engine.ctl("why", f"{run_id}/sum")
        self.assertIn("upstream", [cause["kind"] for cause in why["blocked_by"]])
        self.assertTrue(any("orders" in json.dumps(cause) for cause in why["blocked_by"]))
        self.assertEqual(engine.record("load"), [])
        engine.ctl("thaw", "t.orders.load")
        engine.wait(run_id)
        # On a dry run nothing is executed and what follows goes on.
        engine.ctl("dryrun", "t.sums.sum")
        known = {one["id"] for one in engine.items("runs", "--workflow", "t.sums")}
        fresh = until(lambda: [one["id"] for one in engine.items("runs", "--workflow", "t.sums")
                               if one["id"] not in known and one["state"] == "success"],
                      "a dry run", 40)
        self.assertEqual(engine.instances(fresh[0])["sum"]["reason"], "dry_run")
        verbs = [one["verb"] for one in engine.items("audit")]
        self.assertTrue({"freeze", "thaw", "dryrun"} <= set(verbs), verbs)

    def test_a_paused_slot_is_listed_and_can_be_made(self):
        engine = self.engine({"all.yaml": ORDERS}).start()
        engine.ctl("pause", "t.orders/tick")
        slot = until(lambda: [one for one in engine.items("slots", "t.orders/tick")
                              if one["outcome"] == "paused"], "a paused slot", 40)[0]["slot"]
        made = engine.ctl("trigger", "t.orders/tick", "--slot", slot)
        engine.wait(made["id"])
        self.assertEqual(engine.call("trigger", "t.orders/tick", "--slot", slot).returncode, REFUSED)
        later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
        future = later.replace(second=0, microsecond=0).isoformat()
        self.assertEqual(engine.call("trigger", "t.orders/tick", "--slot", future).returncode, REFUSED)
        until(lambda: slot in self.slots(engine, "t.sums"), "who waited for it", 40)


class Backfill(OwnEngineTest):
    RANGE = ("--from", "2026-03-25", "--to", "2026-04-03")

    def test_a_range_is_made_in_order_over_kills(self):
        engine = self.engine({"daily.yaml": DAILY}).start()
        preview = engine.ctl("backfill", "t.daily/night", *self.RANGE, "--dry-run")
        dates = [one["biz_date"] for one in preview["items"]]
        # The night in which 02:30 does not exist is among them.
        self.assertEqual(dates, [str(datetime.date(2026, 3, 24) + datetime.timedelta(days=n))
                                 for n in range(10)])
        made = engine.ctl("backfill", "t.daily/night", *self.RANGE, "--reason", "late data")
        again = engine.call("backfill", "t.daily/night", *self.RANGE)
        self.assertEqual(again.returncode, REFUSED)
        self.assertIn(made["id"], again.stdout + again.stderr)
        for done in (2, 5):
            until(lambda n=done: len(engine.record("publish")) >= n, f"{done} days", 60)
            engine.kill9()
            engine.start()
        until(lambda: engine.ctl("get", "backfills", made["id"])["state"] == "success",
              "the end of the backfill", 90)
        self.assertEqual(engine.record("load"), dates)
        self.assertEqual(engine.record("publish"), dates)
        # With nothing to reprocess every slot is left alone.
        second = engine.ctl("backfill", "t.daily/night", *self.RANGE)
        until(lambda: engine.ctl("get", "backfills", second["id"])["state"] == "success", "its end")
        self.assertEqual(engine.record("load"), dates)

    def test_pause_resume_and_cancel(self):
        engine = self.engine({"daily.yaml": DAILY}).start()
        made = engine.ctl("backfill", "t.daily/night", *self.RANGE)["id"]
        engine.ctl("pause", made)
        until(lambda: engine.ctl("get", "backfills", made)["state"] == "paused", "the pause")
        engine.ctl("resume", made)
        until(lambda: len(engine.record("publish")) >= 2, "two days", 60)
        engine.ctl("cancel", made)
        until(lambda: engine.ctl("get", "backfills", made)["state"] == "cancelled", "its end")
        self.assertLess(len(engine.record("publish")), 10)


class Plan(OwnEngineTest):
    def test_the_plan_of_the_day_is_what_preview_says(self):
        engine = self.engine({"daily.yaml": DAILY.replace("30 2 * * *", "*/30 * * * *")}).start()
        tomorrow = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
        plan = engine.ctl("plan", "--date", tomorrow.date(), "--timezone", "UTC")
        self.assertEqual(len(plan["items"]), 48)
        self.assertEqual({one["count"] for one in plan["items"]}, {2})
        midnight = f"{tomorrow.date()}T00:00:00Z"
        asked = engine.ctl("preview", "t.daily", "-n", "48", "--from",
                           (instant(midnight) - datetime.timedelta(seconds=1)).isoformat())
        self.assertEqual([instant(one["minute"]) for one in plan["items"]],
                         [instant(one["utc"]) for one in asked["items"]])


class Offline(unittest.TestCase):
    def preview(self, *arguments):
        done = ctl("preview", "--cron", *arguments, "-o", "json")
        return done, json.loads(done.stdout) if done.returncode == DONE else None

    def test_preview_of_an_expression(self):
        done, answer = self.preview("0 0 6 ? * 2#1", "--dialect", "quartz", "--timezone",
                                    "Asia/Tokyo", "--from", "2026-11-20T00:00:00.000001Z", "-n", "2")
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertEqual([one["utc"] for one in answer["items"]],
                         ["2026-12-06T21:00:00.000000Z", "2027-01-03T21:00:00.000000Z"])
        self.assertEqual(answer["items"][0]["slot"], "2026-12-07T06:00:00+09:00")

    def test_what_never_comes_or_is_wrong_fails(self):
        for text in ("0 0 30 2 *", "61 * * * *", "* * * *", "0 0 0 1 1 * 1999", "*/0 * * * *"):
            done = ctl("preview", "--cron", text, "--timezone", "UTC", "-n", "1", "-o", "json")
            self.assertNotEqual(done.returncode, DONE, text)

    def test_simulate_finds_the_deadline_that_would_be_missed(self):
        import tempfile
        from pathlib import Path
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "p.yaml")
            file.write_text("workflow: p\ntriggers: [{id: night, cron: '30 2 * * *'}]\n"
                            "tasks: {a: {run: 'true', deadline: '03:00'}}\n")
            short = Path(folder, "short.json")
            short.write_text('{"*": 60}')
            long = Path(folder, "long.json")
            long.write_text('{"*": 3600}')
            ask = ("simulate", file, "--from", "2026-12-01", "--to", "2026-12-08", "--check")
            good = ctl(*ask, "--durations", short, "-o", "json")
            self.assertEqual(good.returncode, DONE, good.stderr)
            self.assertEqual(len(json.loads(good.stdout)["instances"]), 7)
            bad = ctl(*ask, "--durations", long, "-o", "json")
            self.assertEqual(bad.returncode, FAILED, bad.stderr)
            self.assertEqual(len(json.loads(bad.stdout)["late"]), 7)


if __name__ == "__main__":
    unittest.main()
