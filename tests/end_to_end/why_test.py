"""Why something does not go on, why it ran, why it is late or missed: a case for each cause that needs
a real process or a clock (the others: tests/actors/why_test.cpp)."""
import datetime
import unittest

from harness import NOT_FOUND, EngineTest, OwnEngineTest, until

# Waits for a file in short steps, and gives up after a minute.
AWAIT = 'for i in $(seq 600); do [ -e "@DIR@/{0}" ] && exit 0; sleep 0.1; done; exit 1'

FILES = {
    "pinion.yaml": "pools: {one: 1}\n",
    "why.yaml": f"""
workflow: process
overlap: allow
max_active_runs: 20
params: {{gate: open}}
tasks:
  run_it: {{env: {{GATE: "{{{{ params.gate }}}}"}}, run: 'for i in $(seq 600); do [ -e "@DIR@/$GATE" ] && exit 0; sleep 0.1; done; exit 1'}}
  after: {{needs: run_it, run: 'true'}}
---
workflow: again
tasks:
  flaky: {{run: exit 3, retry: {{max: 5, delay: 1h}}}}
  after: {{needs: flaky, run: 'true'}}
---
workflow: checked
tasks:
  made: {{run: 'true', checks: [{{name: rows, command: '{AWAIT.format("checked")}'}}]}}
---
workflow: stubborn
tasks:
  deaf: {{run: 'trap "" TERM; touch @DIR@/deaf; while [ ! -e "@DIR@/stubborn" ]; do sleep 0.1; done', grace: 50s}}
---
workflow: caller
tasks:
  call: {{type: workflow, workflow: callee}}
---
workflow: callee
tasks:
  inside: {{run: '{AWAIT.format("callee")}'}}
---
workflow: covered
tasks:
  bad: {{run: exit 9, fallback: spare}}
  spare: {{run: 'true'}}
---
workflow: pooled
overlap: allow
max_active_runs: 5
tasks:
  part: {{pool: one, run: '{AWAIT.format("pooled")}'}}
---
workflow: timed
tasks:
  quick: {{run: 'sleep 0.3', deadline: "00:00"}}
  last: {{needs: quick, run: 'sleep 0.2'}}
---
workflow: clocked
triggers:
  - {{id: yearly, cron: "0 0 1 1 *"}}
  - {{id: off, cron: "0 0 1 1 *", enabled: false}}
tasks:
  t: {{type: empty}}
---
workflow: busy
overlap: skip
triggers:
  - {{id: often, cron: "* * * * * *"}}
tasks:
  hold: {{run: '{AWAIT.format("busy")}'}}
""",
}


def kinds(why):
    return [one["kind"] for one in why["blocked_by"]]


def cause(why, kind):
    return next(one for one in why["blocked_by"] if one["kind"] == kind)


def facts(why, kind):
    return [one for one in why["because"] if one["kind"] == kind]


class Why(EngineTest):
    files = FILES

    def open(self, gate):
        (self.engine.records / gate).touch()

    def why(self, ref):
        return self.engine.ctl("why", ref)

    def test_a_process_that_runs_is_the_cause_of_what_waits_for_it(self):
        run_id = self.engine.trigger("t.process", "--param", "gate=w1")
        self.engine.wait_state(run_id, "run_it", "running")
        why = self.why(f"{run_id}/after")
        self.assertEqual(kinds(why), ["upstream", "running"])
        self.assertEqual(cause(why, "running")["ref"], f"{run_id}/run_it")
        self.assertIsNone(why["expected_end"])  # There is no history.
        self.open("w1")
        self.engine.wait(run_id)

    def test_what_is_expected_comes_from_the_last_success(self):
        self.open("w2")
        self.engine.wait(self.engine.trigger("t.process", "--param", "gate=w2"))
        run_id = self.engine.trigger("t.process", "--param", "gate=w3")
        self.engine.wait_state(run_id, "run_it", "running")
        why = self.why(f"{run_id}/after")
        self.assertIsNotNone(why["expected_start"])
        self.assertIsNotNone(why["expected_end"])
        self.assertIsNotNone(cause(why, "upstream")["until"])
        self.assertEqual(why["critical_path"], [f"{run_id}/run_it", f"{run_id}/after"])
        self.assertIsNotNone(self.why(run_id)["expected_end"])
        self.open("w3")
        self.engine.wait(run_id)

    def test_a_retry_says_when_it_comes(self):
        run_id = self.engine.trigger("t.again")
        self.engine.wait_state(run_id, "flaky", "retry_wait")
        why = self.why(f"{run_id}/after")
        self.assertEqual(kinds(why), ["upstream", "retry"])
        self.assertIn("exit code 3", cause(why, "retry")["message"])
        self.assertIsNotNone(cause(why, "retry")["until"])
        self.engine.ctl("cancel", run_id)
        self.engine.wait(run_id, "cancelled")

    def test_a_check_is_named(self):
        run_id = self.engine.trigger("t.checked")
        self.engine.wait_state(run_id, "made", "dqc_check")
        self.assertIn("check 1 of 1 runs: rows", cause(self.why(f"{run_id}/made"), "check")["message"])
        self.open("checked")
        self.engine.wait(run_id)

    def test_a_stop_that_takes_time_is_named(self):
        run_id = self.engine.trigger("t.stubborn")
        self.engine.wait_state(run_id, "deaf", "running")
        until(lambda: (self.engine.records / "deaf").exists(), "the trap")
        self.engine.ctl("cancel", run_id, "--reason", "enough")
        self.engine.wait_state(run_id, "deaf", "stopping")
        self.assertIn("grace of 50s", cause(self.why(run_id), "stopping")["message"])
        self.open("stubborn")
        self.engine.wait(run_id, "cancelled")

    def test_a_call_names_the_run_and_that_run_its_caller(self):
        run_id = self.engine.trigger("t.caller")
        self.engine.wait_state(run_id, "call", "running")
        # It runs before the run that it calls is there.
        called = until(lambda: [one["ref"] for one in self.why(f"{run_id}/call")["blocked_by"]
                                if one["kind"] == "call"], "the called run")[0]
        self.assertIn(f"called by a task of {run_id}", facts(self.why(called), "call")[0]["message"])
        self.open("callee")
        self.engine.wait(run_id)

    def test_a_fallback_tells_why_it_ran(self):
        run_id = self.engine.trigger("t.covered")
        self.engine.wait(run_id)
        fact = facts(self.why(f"{run_id}/spare"), "fallback")[0]
        self.assertIn("stands in for bad, which ended failed", fact["message"])
        self.assertEqual(fact["ref"], f"{run_id}/bad")

    def test_an_attempt_tells_why_there_was_another(self):
        run_id = self.engine.trigger("t.covered")
        self.engine.wait(run_id)
        self.engine.ctl("rerun", f"{run_id}/spare", "--only")
        self.engine.wait_state(run_id, "spare", "success")
        until(lambda: self.engine.instances(run_id)["spare"]["attempt"] == 2, "a second attempt")
        self.engine.wait(run_id)
        self.assertEqual(facts(self.why(f"{run_id}/spare"), "retry")[0]["ref"], f"{run_id}/spare#1")

    def test_a_full_pool_names_its_holder(self):
        first = self.engine.trigger("t.pooled")
        self.engine.wait_state(first, "part", "running")
        second = self.engine.trigger("t.pooled")
        self.engine.wait_state(second, "part", "pre_ready")
        pool = until(lambda: "pool" in kinds(w := self.why(second)) and cause(w, "pool"), "the pool")
        self.assertIn(f"held by {first}/part", pool["message"])
        self.open("pooled")
        self.engine.wait(first)
        self.engine.wait(second)
        waited = facts(self.why(f"{second}/part"), "delay")
        self.assertTrue(all(one["took_s"] >= 1 for one in waited))

    def test_a_deadline_tells_how_late_it_is(self):
        run_id = self.engine.trigger("t.timed")
        self.engine.wait(run_id)
        fact = facts(self.why(f"{run_id}/quick"), "deadline")[0]
        self.assertIn("too late", fact["message"])
        self.assertGreaterEqual(fact["took_s"], 0)
        why = self.why(run_id)
        self.assertEqual(why["critical_path"], [f"{run_id}/quick", f"{run_id}/last"])
        self.assertEqual(facts(why, "person")[0]["kind"], "person")

    def test_triggers_tell_their_next_slot_a_pause_or_that_they_are_off(self):
        self.assertIsNotNone(cause(self.why("t.clocked/yearly"), "time")["until"])
        self.assertEqual(kinds(self.why("t.clocked/off")), ["disabled"])
        self.engine.ctl("pause", "t.clocked/yearly", "--reason", "moving house")
        paused = cause(self.why("t.clocked/yearly"), "paused")
        self.assertIn("moving house", paused["message"])
        self.assertIsNotNone(paused["since"])
        self.engine.ctl("resume", "t.clocked/yearly")

    def test_slots_that_have_no_row_are_explained_too(self):
        coming = datetime.date.today().year + 2
        later = self.why(f"t.clocked/yearly@{coming}-01-01T00:00")
        self.assertEqual((later["state"], kinds(later)), ("undecided", ["time"]))
        before = self.why("t.clocked/yearly@2001-01-01T00:00")
        self.assertIn("first taken up", cause(before, "missed")["message"])
        error = self.engine.ctl("why", "t.clocked/yearly@2001-01-02T00:00", code=NOT_FOUND)["error"]
        self.assertIn("is no slot of", error["message"])

    def test_a_slot_that_the_overlap_policy_left_out_says_so(self):
        slot = until(lambda: self.engine.items("slots", "t.busy/often", "--state", "skipped_overlap"),
                     "a slot that is skipped")[0]
        why = self.why(f"t.busy/often@{slot['slot']}")
        self.assertEqual(kinds(why), ["overlap"])
        self.assertIn("pinionctl trigger", why["message"])
        self.assertTrue(facts(self.why("t.busy/often"), "slot"))
        self.open("busy")

    def test_people_are_told_in_sentences(self):
        run_id = self.engine.trigger("t.process", "--param", "gate=w9")
        self.engine.wait_state(run_id, "run_it", "running")
        text = self.engine.call("why", f"{run_id}/after").stdout
        self.assertIn("waits for run_it", text)
        self.assertIn("running", text)
        self.assertNotIn("\x1b", text)
        self.open("w9")
        self.engine.wait(run_id)


class Missed(OwnEngineTest):
    FILES = {"m.yaml": """
workflow: lazy
triggers:
  - {id: often, cron: "* * * * * *", misfire: {policy: last}}
overlap: allow
max_active_runs: 50
tasks:
  t: {type: empty}
"""}

    def test_a_slot_that_nobody_fired_tells_the_policy(self):
        engine = self.engine(self.FILES).start()
        until(lambda: engine.items("slots", "t.lazy/often"), "a slot")
        engine.kill9()
        ended = datetime.datetime.now(datetime.timezone.utc)
        until(lambda: datetime.datetime.now(datetime.timezone.utc) - ended >
              datetime.timedelta(seconds=4), "some slots to pass")
        engine.start()
        missed = until(lambda: engine.items("slots", "t.lazy/often", "--state", "missed"), "a missed slot")
        why = engine.ctl("why", f"t.lazy/often@{missed[0]['slot']}")
        self.assertEqual([one["kind"] for one in why["blocked_by"]], ["missed"])
        self.assertIn("policy: last", why["blocked_by"][0]["message"])


if __name__ == "__main__":
    unittest.main()
