"""How many at a time: overlap policies, active runs, pools, priorities, timeouts."""
import unittest

from harness import REFUSED, EngineTest, until

GATE = ('echo "begin $PINION_RUN $PINION_TASK $PINION_INDEX" >> @DIR@/{0}; '
        'for i in $(seq 600); do [ -e "@DIR@/{0}.open" ] && break; sleep 0.05; done; '
        'echo "end $PINION_RUN $PINION_TASK $PINION_INDEX" >> @DIR@/{0}')


def workflow(name, extra):
    return f"workflow: {name}\n{extra}\ntasks:\n  hold: {{run: '{GATE.format(name)}'}}\n"


FILES = {
    "queue.yaml": workflow("queue", "overlap: queue"),
    "queue_one.yaml": workflow("queue_one", "overlap: queue_one"),
    "skip.yaml": workflow("skip", "overlap: skip"),
    "cancel_running.yaml": workflow("cancel_running", "overlap: cancel_running"),
    "allow.yaml": workflow("allow", "overlap: allow\nmax_active_runs: 2"),
    "pinion.yaml": "pools: {tiny: 2, other: 1}\n",
    "pool.yaml": f"""
workflow: pool
tasks:
  part:
    for_each: {{x: [1, 2, 3, 4, 5, 6]}}
    pool: tiny
    run: '{GATE.format("pool")}'
---
workflow: both
tasks:
  big:   {{pool: {{tiny: 2, other: 1}}, run: sleep 0.1}}
  small: {{for_each: {{x: [1, 2, 3, 4]}}, pool: tiny, run: sleep 0.1}}
""",
    "timeouts.yaml": """
workflow: timeouts
tasks:
  slow:    {run: sleep 60, timeout: 300ms, grace: 1s}
  again:   {run: sleep 60, timeout: {attempt: 200ms}, retry: {max: 1, delay: 100ms}, grace: 1s}
  total:   {run: exit 1, timeout: {task: 700ms}, retry: {max: 50, delay: 100ms}}
  after:   {needs: blocker, run: 'true', timeout: {upstream: 400ms}}
  blocker: {run: sleep 1.2}
---
workflow: run_timeout
timeout: 500ms
tasks:
  slow: {run: sleep 60, grace: 1s}
""",
}


class Limits(EngineTest):
    files = FILES
    options = ("--slots", "16")

    def open(self, name):
        (self.engine.records / f"{name}.open").touch()

    def begun(self, name):
        return [line.split()[1] for line in self.engine.record(name) if line.startswith("begin")]

    def most_at_a_time(self, name):
        now = most = 0
        for line in self.engine.record(name):
            now += 1 if line.startswith("begin") else -1
            most = max(most, now)
        return most

    def test_queue_runs_one_after_another_in_order(self):
        runs = [self.engine.trigger("t.queue") for _ in range(3)]
        until(lambda: self.begun("queue"), "the first run")
        self.open("queue")
        for run_id in runs:
            self.engine.wait(run_id)
        self.assertEqual(self.begun("queue"), runs)
        self.assertEqual(self.most_at_a_time("queue"), 1)

    def test_a_queued_run_says_which_limit_holds_it(self):
        first = self.engine.trigger("t.queue_one")
        self.engine.wait_state(first, "hold", "running")
        second = self.engine.trigger("t.queue_one")
        why = until(lambda: (w := self.engine.ctl("why", second))["blocked_by"] and w, "a reason")
        self.assertIn("limit", [one["kind"] for one in why["blocked_by"]])
        self.open("queue_one")
        self.engine.wait(first)
        self.engine.wait(second)

    def test_skip_leaves_a_run_out_while_one_is_active(self):
        first = self.engine.trigger("t.skip")
        self.engine.wait_state(first, "hold", "running")
        error = self.engine.ctl("trigger", "t.skip", code=REFUSED)["error"]
        self.assertIn("--ignore-overlap", error["suggestion"])
        self.open("skip")
        self.engine.wait(first)
        self.assertEqual(self.begun("skip"), [first])
        self.assertEqual(len(self.engine.items("runs", "--workflow", "t.skip")), 1)

    def test_cancel_running_makes_room_for_the_newer(self):
        first = self.engine.trigger("t.cancel_running")
        self.engine.wait_state(first, "hold", "running")
        second = self.engine.trigger("t.cancel_running")
        self.engine.wait(first, "cancelled")
        self.open("cancel_running")
        self.engine.wait(second)

    def test_max_active_runs_bounds_what_overlap_allows(self):
        runs = [self.engine.trigger("t.allow") for _ in range(4)]
        until(lambda: len(self.begun("allow")) == 2, "two runs")
        self.open("allow")
        for run_id in runs:
            self.engine.wait(run_id)
        self.assertEqual(self.most_at_a_time("allow"), 2)

    def test_a_pool_bounds_what_runs_and_why_names_it(self):
        run_id = self.engine.trigger("t.pool")
        until(lambda: len(self.begun("pool")) == 2, "two parts")
        blocked = until(lambda: [one for one in self.engine.instances(run_id).values()
                                 if one["state"] == "pre_ready"], "a part that waits")
        why = self.engine.ctl("why", blocked[0]["id"])
        self.assertIn("pool", [one["kind"] for one in why["blocked_by"]])
        pools = {one.get("pool") or one.get("name"): one for one in self.engine.items("pools")}
        self.assertIn("tiny", str(pools))
        self.open("pool")
        self.engine.wait(run_id)
        self.assertEqual(self.most_at_a_time("pool"), 2)

    def test_a_task_that_needs_several_pools_gets_all_or_nothing(self):
        self.engine.wait(self.engine.trigger("t.both"))

    def test_each_timeout_ends_what_it_is_for(self):
        run_id = self.engine.trigger("t.timeouts")
        seen = self.engine.wait(run_id, "failed")
        self.assertEqual(seen["slow"]["state"], "failed")
        self.assertEqual(seen["slow"]["attempt"], 1)
        self.assertEqual(seen["again"]["attempt"], 2)
        self.assertEqual(seen["total"]["state"], "failed")
        self.assertLess(seen["total"]["attempt"], 20)
        self.assertEqual(seen["after"]["state"], "failed")
        self.assertEqual(seen["blocker"]["state"], "success")

    def test_a_run_has_a_timeout_of_its_own(self):
        run_id = self.engine.trigger("t.run_timeout")
        self.engine.wait(run_id, "failed")


if __name__ == "__main__":
    unittest.main()
