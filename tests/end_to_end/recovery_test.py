"""What a new engine finds in the store: timers, queues, permits, deadlines and backfills go on as if nothing had happened."""
import datetime
import re
import time
import unittest

from harness import OwnEngineTest, until

STAMP = 'echo "$PINION_TASK $PINION_RUN $(date +%s.%N)" >> @DIR@/stamps'

FILES = {
    "timers.yaml": f"""
workflow: timers
overlap: allow
max_active_runs: 100
tasks:
  retried:
    retry: {{max: 1, delay: 6s}}
    run: '{STAMP}; [ "$PINION_ATTEMPT" -ge 2 ]'
  limited:
    timeout: {{attempt: 4s}}
    grace: 1s
    fallback: instead
    run: '{STAMP}; sleep 60'
  instead: {{run: '{STAMP}'}}
  held: {{pool: one, timeout: {{queue: 5s}}, run: 'true', ignore_failure: true}}
""",
    "pinion.yaml": "project: t\npools: {one: 1}\n",
    "queue.yaml": f"""
workflow: queue
overlap: allow
max_active_runs: 100
params: {{p: {{default: 5}}}}
tasks:
  low:  {{pool: one, priority: 2, run: '{STAMP}'}}
  high: {{pool: one, priority: 8, run: '{STAMP}'}}
---
workflow: holder
tasks:
  holds:
    pool: one
    run: |
      echo "$PINION_ATTEMPT" >> @DIR@/holds
      for i in $(seq 1200); do [ -e @DIR@/open ] && exit 0; sleep 0.1; done
---
workflow: daily
triggers: [{{id: day, cron: "0 3 * * *", start: 2026-01-01}}]
overlap: allow
max_active_runs: 100
tasks:
  work: {{run: '{STAMP}; sleep 0.3'}}
"""}

# A workflow with a past, and one that is alive.
PAST = """
workflow: past
triggers: [{id: minute, cron: "* * * * *", start: 2026-01-01}]
overlap: allow
max_active_runs: 1000
tasks: {one: {type: empty}}
---
workflow: waits
overlap: allow
max_active_runs: 1000
tasks:
  wait: {run: sleep 600}
  after: {needs: wait, type: empty}
"""


def at(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class Recovery(OwnEngineTest):
    def test_timers_go_on_where_they_were(self):
        engine = self.engine(FILES).start()
        engine.trigger("t.holder")
        until(lambda: engine.record("holds"), "the holder")
        run_id = engine.trigger("t.timers")
        engine.wait_state(run_id, "retried", "retry_wait")
        engine.wait_state(run_id, "limited", "running")
        engine.kill9()
        time.sleep(2)
        engine.start()
        engine.kill9()  # A second loss must not begin them anew.
        time.sleep(2)
        engine.start()
        seen = engine.wait(run_id)
        attempts = {(one["instance"].split("/")[1], one["number"]): one for one in engine.items("attempts", run_id)}
        waited = at(attempts["retried", 2]["started_at"]) - at(attempts["retried", 1]["ended_at"])
        self.assertGreaterEqual(waited.total_seconds(), 6)
        self.assertLess(waited.total_seconds(), 12)
        # Kept by the launcher, also while no engine is there.
        limited = attempts["limited", 1]
        self.assertEqual(limited["reason"], "attempt_timeout")
        self.assertLess((at(limited["ended_at"]) - at(limited["started_at"])).total_seconds(), 10)
        self.assertEqual(seen["held"]["reason"], "queue_timeout")
        self.assertEqual(seen["instead"]["state"], "success")

    def test_permits_and_the_order_of_the_queue_are_rebuilt(self):
        engine = self.engine(FILES).start()
        holder = engine.trigger("t.holder")
        until(lambda: engine.record("holds"), "the holder")
        runs = [engine.trigger("t.queue") for _ in range(3)]
        for run_id in runs:
            engine.wait_state(run_id, "low", "pre_ready")
            engine.wait_state(run_id, "high", "pre_ready")
        for _ in range(2):
            engine.kill9()
            engine.start()
        pool = next(one for one in engine.items("pools") if one["pool"] == "one")
        self.assertEqual((pool["used"], pool["queued"]), (1, 6), pool)
        self.assertEqual(engine.record("stamps"), [])
        (engine.records / "open").touch()
        for run_id in (holder, *runs):
            engine.wait(run_id)
        self.assertEqual([tuple(line.split()[:2]) for line in engine.record("stamps")],
                         [*(("high", run_id) for run_id in runs), *(("low", run_id) for run_id in runs)])
        self.assertEqual(engine.record("holds"), ["1"])

    def test_a_backfill_goes_on_over_kills(self):
        engine = self.engine(FILES).start()
        made = engine.ctl("backfill", "t.daily/day", "--from", "2026-03-01", "--to", "2026-03-20", "--parallel", "3")
        for enough in (2, 6, 11):
            until(lambda n=enough: len(engine.record("stamps")) >= n, f"{enough} starts")
            engine.kill9()
            engine.start()
        until(lambda: next(one for one in engine.items("backfills") if one["id"] == made["id"])["state"] == "success",
              "the end of the backfill", 60)
        starts = [line.split()[1] for line in engine.record("stamps")]
        self.assertEqual(len(starts), len(set(starts)))
        self.assertEqual(len(starts), 20)

    def rows_read(self, engine):
        """Kills the engine, starts it again, and returns how many rows that took."""
        engine.kill9()
        engine.log.write_text("")
        engine.start()
        return int(until(lambda: re.search(r"ready: data=\S+ rows_read=(\d+)", engine.log.read_text()), "readiness")[1])

    def test_a_start_reads_what_is_alive_and_not_what_has_ended(self):
        engine = self.engine({"past.yaml": PAST}, ("--slots", "8", "--triggers", "off")).start()
        alive = [engine.trigger("t.waits") for _ in range(5)]
        for run in alive:
            engine.wait_state(run, "wait", "running")

        def add_history(first, last):
            made = engine.ctl("backfill", "t.past/minute", "--from", first, "--to", last, "--parallel", "1000")
            until(lambda: next(one for one in engine.items("backfills") if one["id"] == made["id"])["state"]
                  == "success", "history", 200)

        add_history("2026-03-01T00:00Z", "2026-03-01T01:39Z")
        self.assertEqual(engine.ctl("store", "stats")["history"]["runs"], 100)
        few = self.rows_read(engine)
        add_history("2026-03-02T00:00Z", "2026-03-15T19:39Z")
        self.assertEqual(engine.ctl("store", "stats")["history"]["runs"], 20_000)
        many = self.rows_read(engine)
        self.assertGreater(few, 5)
        self.assertLess(abs(many - few), 50, (few, many))
        # With what is alive it grows.
        more = [engine.trigger("t.waits") for _ in range(40)]
        self.assertGreater(self.rows_read(engine), many + len(more))
        for run in alive:
            self.assertEqual(engine.instances(run)["wait"]["attempt"], 1)

    def test_recovery_is_timed_and_costs_what_is_alive(self):
        engine = self.engine(FILES).start()
        for _ in range(60):
            engine.trigger("t.timers")
        engine.kill9()
        engine.start()
        health = engine.ctl("health")
        self.assertGreater(health["recovery_s"], 0)
        self.assertIn("recovered: ", engine.tail())
        self.assertIn("live_runs=60", engine.tail())


if __name__ == "__main__":
    unittest.main()
