"""Where values come from, where they arrive, and every way to name and list what ran."""
import datetime
import json
import os
import re
import unittest

from harness import DONE, FAILED, NOT_FOUND, REFUSED, USAGE, EngineTest, OwnEngineTest, until

PROJECT = """
timezone: Asia/Shanghai
vars: {level: project, countries: [DEU, AUT]}
secrets: {pwd: {env: TEST_PWD}, key: {file: @DIR@/key}}
"""

VALUES = """
workflow: environment
params: {brand: {default: A, enum: [A, B]}, n: {default: 3, min: 1, max: 5}, on: true}
tasks:
  plain:
    env: {OWN: "{{ params.brand }}", TOKEN: "{{ secrets.pwd }}"}
    stdin: "key {{ secrets.key }}"
    run: |
      env | sort
      cat
      pwd
      ls -l /proc/self/fd | wc -l
      cat "$PINION_PARAMS"; echo
      printf 'x=1\\n{"y": [1, {"z": "deep"}]}\\nx=2\\ntoken=%s\\n' plain >> "$PINION_OUTPUT"
      echo shared > "$PINION_WORKSPACE/file"
  element:
    needs: plain
    for_each: {country: {of: "{{ vars.countries }}"}}
    run: |
      cat "$PINION_WORKSPACE/file"
      echo "$PINION_INDEX {{ country }} {{ inputs.plain.y[1].z }} {{ inputs['plain'].x }}"
      echo "name={{ country | lower }}" >> "$PINION_OUTPUT"
  all:
    needs: element
    run: |
      cat "$PINION_INPUTS"; echo
      echo {{ inputs.element.DEU.name }} {{ inputs.element.AUT.name }}
---
workflow: dates
timezone: Europe/Berlin
tasks:
  show:
    run: |
      echo {{ biz_date }} {{ biz_date_nodash }} {{ ds }} {{ ds_nodash }} {{ ts }} {{ ts_nodash }}
      echo {{ ds_utc }} {{ ts_utc }} {{ slot }} {{ logical_date }}
      echo {{ date('yyyyMMdd') }} {{ date('yyyy-MM-dd', '-1d') }} {{ date('yyyyMM', '-1month', slot) }}
      echo {{ month_begin() | date('yyyy-MM-dd') }} {{ add_months(1) | date('yyyy-MM') }}
      echo "$PINION_SLOT $PINION_BIZ_DATE $PINION_DATA_INTERVAL_START $PINION_DATA_INTERVAL_END"
---
workflow: braces
tasks:
  printed: {run: "echo {{ '{{' }} a }}"}
  off: {expressions: off, run: "echo '{{ nobody }}'"}
---
workflow: precedence
vars: {level: workflow}
params: {who: default, other: default}
triggers: [{cron: "* * * * * *", params: {who: trigger}}]
overlap: allow
max_active_runs: 50
tasks:
  say: {run: "echo {{ params.who }} {{ params.other }} {{ vars.level }}"}
---
workflow: codes
tasks:
  own_skip: {skip_exit: 7, run: exit 7}
  plain_99: {skip_exit: 7, run: exit 99}
  listed: {retry: {max: 2, delay: 10ms, on_exit: [75]}, run: exit 1}
  verdict: {type: check, checks: [{command: 'true'}, {command: [/bin/false], weak: true, name: soft}]}
  program: {type: python, script: "import sys\\nprint(sys.argv[1:])\\n", args: ["{{ 1 + 1 }}", two]}
"""


class Values(EngineTest):
    files = {"pinion.yaml": PROJECT, "values.yaml": VALUES}

    @classmethod
    def setUpClass(cls):
        os.environ["TEST_PWD"] = "s3cret'word"
        cls.addClassCleanup(os.environ.pop, "TEST_PWD")
        super().setUpClass()
        (cls.engine.records / "key").write_text("k3y-of-file", encoding="utf-8")

    def lines(self, ref, *options):
        done = self.engine.call("logs", ref, *options)
        self.assertEqual(done.returncode, DONE, done.stderr)
        return done.stdout.splitlines()

    def test_a_task_has_the_environment_of_the_reference_and_nothing_else(self):
        run_id, seen = self.finish("t.environment", "--param", "brand=B")
        lines = self.lines(f"{run_id}/plain")
        has = dict(line.split("=", 1) for line in lines if re.match(r"^[A-Z_]+=", line))
        shell_makes = {"PWD", "SHLVL", "_", "OLDPWD"}
        self.assertEqual(
            set(has) - shell_makes,
            {"PATH", "HOME", "USER", "LANG", "TMPDIR", "OWN", "TOKEN"} |
            {f"PINION_{name}" for name in ("PROJECT", "WORKFLOW", "RUN", "TASK", "INDEX", "ATTEMPT", "FENCE", "LANE",
                                           "SLOT", "BIZ_DATE", "DATA_INTERVAL_START", "DATA_INTERVAL_END",
                                           "WORKSPACE", "OUTPUT", "INPUTS", "PARAMS")})
        self.assertEqual((has["OWN"], has["TOKEN"], has["PINION_INDEX"], has["PINION_LANE"]),
                         ("B", "s3cret'word", "", "main"))
        self.assertEqual((has["PINION_PROJECT"], has["PINION_WORKFLOW"], has["PINION_RUN"], has["PINION_TASK"]),
                         ("t", "environment", run_id, "plain"))
        self.assertIn("key k3y-of-file", " ".join(lines))
        self.assertIn(str(self.engine.workflows), " ".join(lines))
        self.assertIn({"brand": "B", "n": 3, "on": True}, [json.loads(line) for line in lines if line[:1] == "{"])
        self.assertEqual(seen["plain"]["outputs"], {"x": 2, "y": [1, {"z": "deep"}], "token": "plain"})

    def test_inputs_of_ancestors_and_of_fan_outs(self):
        run_id, seen = self.finish("t.environment")
        self.assertEqual(self.lines(f"{run_id}/element:DEU"), ["shared", "DEU DEU deep 2"])
        inputs, said = self.lines(f"{run_id}/all")
        self.assertEqual(json.loads(inputs), {"plain": seen["plain"]["outputs"],
                                              "element": {"DEU": {"name": "deu"}, "AUT": {"name": "aut"}}})
        self.assertEqual(said, "deu aut")

    def test_secrets_are_masked_where_commands_are_shown_and_kept_nowhere(self):
        run_id, _ = self.finish("t.environment")
        shown = json.dumps(self.engine.ctl("describe", f"{run_id}/plain#1"))
        self.assertIn("***", shown)
        for secret in ("s3cret", "k3y-of-file"):
            self.assertNotIn(secret, shown)
        self.assertEqual(self.engine.terminate(), DONE)
        kept = [path for path in self.engine.data.rglob("*")
                if path.is_file() and "/logs/" not in str(path) and b"k3y-of-file" in path.read_bytes()]
        self.engine.start()
        self.assertEqual(kept, [])

    def test_dates_are_those_of_the_slot_in_the_workflow_s_zone(self):
        run_id, _ = self.finish("t.dates", "--biz-date", "2026-02-27")
        first, second, third, fourth, variables = self.lines(f"{run_id}/show")
        slot = self.engine.run(run_id)["slot"]
        self.assertTrue(slot.startswith("2026-02-28T") and slot.endswith("+01:00"), slot)
        at = datetime.datetime.fromisoformat(slot)
        self.assertEqual(first.split()[:4], ["2026-02-27", "20260227", "2026-02-28", "20260228"])
        self.assertEqual(first.split()[4][:19], slot[:19])
        self.assertEqual(second.split()[0], at.astimezone(datetime.timezone.utc).date().isoformat())
        self.assertEqual(third, "20260228 2026-02-27 202601")
        self.assertEqual(fourth, "2026-02-01 2026-03")
        # A run by hand is a point.
        self.assertEqual(variables.split()[1], "2026-02-27")
        self.assertEqual(len({*variables.split()[0:1], *variables.split()[2:]}), 1)
        listed = self.engine.ctl("get", "runs", "t.dates@biz:2026-02-27")
        self.assertEqual(listed["id"], run_id)

    def test_braces_can_be_printed(self):
        run_id, _ = self.finish("t.braces")
        self.assertEqual(self.lines(f"{run_id}/printed"), ["{{ a }}"])
        self.assertEqual(self.lines(f"{run_id}/off"), ["{{ nobody }}"])

    def test_what_is_given_at_the_run_wins_over_the_trigger_over_the_default(self):
        run_id, _ = self.finish("t.precedence")
        self.assertEqual(self.lines(f"{run_id}/say"), ["default default workflow"])
        file = self.engine.home / "params.json"
        file.write_text('{"who": "file", "other": "file"}', encoding="utf-8")
        run_id, _ = self.finish("t.precedence", "--params-file", file, "--param", "other=word")
        self.assertEqual(self.lines(f"{run_id}/say"), ["file word workflow"])
        self.assertEqual(self.engine.run(run_id)["params"], {"who": "file", "other": "word"})
        fired = until(lambda: [one for one in self.engine.items("runs", "--workflow", "t.precedence")
                               if one["trigger"] == "default" and one["state"] == "success"], "a run by the clock")
        self.assertEqual(self.lines(f"{fired[0]['id']}/say"), ["trigger default workflow"])

    def test_parameters_out_of_range_are_refused_with_the_name(self):
        for given, word in (("brand=C", "brand"), ("n=9", "n"), ("n=x", "n"), ("nobody=1", "nobody")):
            with self.subTest(given):
                done = self.engine.call("trigger", "t.environment", "--param", given)
                self.assertIn(done.returncode, (FAILED, USAGE, REFUSED), done.stderr)
                self.assertIn(word, done.stderr)

    def test_exit_codes_decide_as_the_task_says(self):
        run_id, seen = self.finish("t.codes", state="failed")
        self.assertEqual({name: (one["state"], one["attempt"]) for name, one in seen.items()},
                         {"own_skip": ("skipped", 1), "plain_99": ("failed", 1), "listed": ("failed", 1),
                          "verdict": ("success", 1), "program": ("success", 1)})
        self.assertEqual(self.lines(f"{run_id}/program"), ["['2', 'two']"])


SHAPES = """
workflow: shapes
owner: ana
labels: {tier: gold}
params: {bad: false}
tasks:
  talk:
    for_each: {who: [ann, bob]}
    retry: {max: 1, delay: 10ms}
    run: |
      for i in 1 2 3 4 5; do echo "{{ who }} line $i of attempt $PINION_ATTEMPT"; done
      [ "$PINION_ATTEMPT" = 2 ]
  end: {needs: talk, run: '[ {{ params.bad }} = false ]'}
---
workflow: other
triggers: [{id: yearly, cron: "0 0 1 1 *"}]
tasks: {a: {type: empty}}
"""
KINDS = ("workflows", "versions", "triggers", "runs", "instances", "pools", "permits", "vars", "channels",
         "audit")


class Looking(EngineTest):
    files = {"shapes.yaml": SHAPES, "pinion.yaml": "vars: {a: 1}\npools: {p: 2}\nchannels: {c: {log: true}}\n"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.good = cls.engine.trigger("t.shapes")
        cls.engine.wait(cls.good)
        cls.bad = cls.engine.trigger("t.shapes", "--param", "bad=true")
        cls.engine.wait(cls.bad, "failed")

    def test_every_form_of_a_reference_names_its_thing(self):
        run = self.engine.run(self.good)
        for text, wanted in ((self.good, self.good), ("t.shapes@latest", self.bad),
                             ("t.shapes@latest:failed", self.bad), ("t.shapes@latest:success", self.good),
                             (f"t.shapes/@manual@{run['slot']}", self.good), (run["key"], self.good)):
            with self.subTest(text):
                self.assertEqual(self.engine.ctl("describe", text)["id"], wanted)
        for text, wanted in ((f"{self.good}/end", f"{self.good}/end"),
                             (f"{self.good}/talk:ann", f"{self.good}/talk:ann"),
                             (f"{self.good}/talk:ann#2", f"{self.good}/talk:ann#2"),
                             ("t.shapes@latest/end", f"{self.bad}/end"),
                             ("t.shapes", "t.shapes"), ("t.other/yearly", "t.other/yearly")):
            with self.subTest(text):
                self.assertEqual(self.engine.ctl("describe", text)["id"], wanted)
        self.assertEqual(self.engine.ctl("describe", "t.shapes:v1")["version"], 1)
        self.assertEqual(self.engine.call("describe", "t.shapes:v2").returncode, NOT_FOUND)
        self.assertEqual(self.engine.call("describe", f"{self.good}/talk:eve").returncode, NOT_FOUND)
        self.assertEqual(self.engine.call("describe", f"{self.good}/end#9").returncode, NOT_FOUND)

    def test_every_kind_is_listed_in_every_form(self):
        for kind in KINDS:
            for form in ("table", "wide", "json", "yaml", "name"):
                with self.subTest(f"{kind} {form}"):
                    done = self.engine.call("get", kind, "-o", form)
                    self.assertEqual(done.returncode, DONE, done.stderr)
                    if form == "json":
                        answer = json.loads(done.stdout)
                        self.assertEqual(set(answer), {"items", "next"})
                    if form == "name" and kind in ("workflows", "runs", "instances", "triggers"):
                        self.assertTrue(done.stdout.split())
        self.assertEqual(len(self.engine.items("attempts", "--run", self.good)), 5)
        self.assertTrue(self.engine.items("events", self.good))

    def test_lists_are_narrowed_sorted_and_paged(self):
        def ids(*options):
            return [one["id"] for one in self.engine.items("runs", *options)]

        self.assertEqual(ids(), [self.bad, self.good])
        self.assertEqual(ids("--state", "failed"), [self.bad])
        self.assertEqual(ids("-l", "tier=gold", "--owner", "ana"), [self.bad, self.good])
        self.assertEqual(ids("-l", "tier=lead"), [])
        self.assertEqual(ids("--project", "other"), [])
        self.assertEqual(ids("--since", "1h", "--limit", "1"), [self.bad, self.good])
        self.assertEqual(ids("--to", "2020-01-01"), [])
        self.assertEqual([one["id"] for one in self.engine.ctl("get", "runs", "--sort", "id")["items"]],
                         sorted([self.good, self.bad]))
        failed = self.engine.items("instances", "--run", self.bad, "--state", "failed")
        self.assertEqual([one["id"] for one in failed], [f"{self.bad}/end"])
        self.assertEqual([one["reason"] for one in failed],
                         [one["reason"] for one in self.engine.items("instances", "--reason", failed[0]["reason"])])

    def test_logs_are_cut_searched_and_prefixed(self):
        ann = f"{self.good}/talk:ann"

        def lines(*arguments):
            done = self.engine.call("logs", *arguments)
            self.assertEqual(done.returncode, DONE, done.stderr)
            return done.stdout.splitlines()

        newest = [f"ann line {i} of attempt 2" for i in range(1, 6)]
        self.assertEqual(lines(ann), newest)
        self.assertEqual(lines(ann, "--attempt", "1"), [line.replace("attempt 2", "attempt 1") for line in newest])
        self.assertEqual(lines(f"{ann}#1", "--tail", "1"), ["ann line 5 of attempt 1"])
        self.assertEqual(len(lines(ann, "--attempt", "all")), 10)
        self.assertEqual(lines(ann, "--tail", "2"), newest[-2:])
        self.assertEqual(lines(ann, "--grep", "line [24]"), [newest[1], newest[3]])
        self.assertEqual(lines(ann, "--since", "1h"), newest)
        for line, plain in zip(lines(ann, "--timestamps"), newest):
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z " + plain + "$")
        self.assertEqual(sorted(lines(self.good)), sorted(
            f"talk:{who} | {who} line {i} of attempt 2" for who in ("ann", "bob") for i in range(1, 6)))
        self.assertEqual(self.engine.call("logs", ann, "--attempt", "7").returncode, NOT_FOUND)
        self.assertEqual(self.engine.call("logs", ann, "--grep", "(").returncode, USAGE)

    def test_a_graph_is_drawn_narrowed_and_given_to_graphviz(self):
        self.assertIn("talk", self.engine.call("graph", "t.shapes").stdout)
        near = self.engine.ctl("graph", f"{self.good}/end", "--upstream", "0")
        self.assertEqual([one["task"] for one in near["nodes"]], ["end"])
        self.assertIn('"talk" -> "end"', self.engine.call("graph", self.good, "-o", "dot").stdout)

    def test_json_is_one_document_whatever_the_exit_code(self):
        for arguments, code in ((("describe", "r999999"), NOT_FOUND), (("trigger", "t.nobody"), NOT_FOUND),
                                (("cancel", self.good), REFUSED), (("get", "nothing"), USAGE)):
            with self.subTest(arguments):
                done = self.engine.call(*arguments, "-o", "json")
                self.assertEqual(done.returncode, code)
                error = json.loads(done.stdout)["error"]
                self.assertLessEqual({"code", "message", "details"}, set(error))

    def test_instants_have_six_fraction_digits_and_slots_are_local(self):
        run = self.engine.run(self.good)
        for name in ("started_at", "ended_at"):
            self.assertRegex(run[name], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        self.assertRegex(run["slot"], r"[+-]\d\d:\d\d$")
        self.assertIsInstance(run["duration_s"], float)


class Clockless(OwnEngineTest):
    def test_a_key_makes_the_same_run_and_a_business_date_moves_until_it_is_free(self):
        engine = self.engine({"a.yaml": "workflow: a\ntasks: {a: {type: empty}}\n"}).start()
        first = engine.trigger("t.a", "--key", "k", "--biz-date", "2026-11-19")
        self.assertEqual(engine.trigger("t.a", "--key", "k", "--biz-date", "2026-11-19"), first)
        second = engine.trigger("t.a", "--biz-date", "2026-11-19")
        self.assertNotEqual(first, second)
        slots = {engine.run(one)["slot"] for one in (first, second)}
        self.assertEqual(len(slots), 2)
        self.assertEqual({slot[:10] for slot in slots}, {"2026-11-20"})


if __name__ == "__main__":
    unittest.main()
