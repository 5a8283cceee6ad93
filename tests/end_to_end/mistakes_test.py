"""Mistakes that newcomers make in definitions, each with the message that they get.

A mistake is a file `dw/f.yaml`; the first message about it stands below, from its line on: place, what is wrong, and in
brackets what to write.
"""
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import BIN, DONE, FAILED

MISTAKES = [
    ('a word of others for needs', 'workflow: w\ntasks:\n  load: {run: x}\n  sum: {depends_on: load, run: x}\n',
     '4:9: error: unknown key `depends_on` in a task (write `needs: TASK` or `needs: [TASK, TASK]`)'),
    ('a word of others for run', 'workflow: w\ntasks:\n  load: {command: ./x}\n',
     '3:10: error: unknown key `command` in a task (write `run:`)'),
    ('a schedule of the workflow', "workflow: w\nschedule: '0 2 * * *'\ntasks:\n  load: {run: x}\n",
     '2:1: error: unknown key `schedule` in a workflow (write `triggers: [{cron: "0 2 * * *"}]`)'),
    ('one trigger that is no list', "workflow: w\ntriggers: {cron: '0 2 * * *'}\ntasks:\n  load: {run: x}\n",
     '2:11: error: a list of triggers is expected here, not a map (begin each trigger with a dash: `triggers: [{cron: "0 2 * * *"}]`)'),
    ('a cron expression alone', "workflow: w\ntriggers: ['0 2 * * *']\ntasks:\n  load: {run: x}\n",
     '2:12: error: a trigger is expected here, not text (write `{cron: "0 2 * * *"}`)'),
    ('a cron expression without quotes', 'workflow: w\ntriggers:\n  - cron: */5 * * * *\ntasks:\n  load: {run: x}\n',
     '3:11: error: syntax error: the referenced anchor is not defined (write text that begins with * in quotes)'),
    ('a cron field forgotten', "workflow: w\ntriggers: [{cron: '0 2 * *'}]\ntasks:\n  load: {run: x}\n",
     '2:19: error: cron "0 2 * *": it has 4 fields (write 5 (minute hour day-of-month month day-of-week), 6 with the second before them, or 7 with the year behind them too)'),
    ('five fields for Quartz', "workflow: w\ntriggers: [{cron: '0 2 * * *', dialect: quartz}]\ntasks:\n  load: {run: x}\n",
     '2:19: error: cron "0 2 * * *": it has 5 fields (write 6 (second minute hour day-of-month month day-of-week), or 7 with the year behind them)'),
    ('tasks as a list', 'workflow: w\ntasks:\n  - name: load\n    run: x\n',
     '3:3: error: a map from names to tasks is expected here, not a list (write the name as key: `load: {run: ./load}`)'),
    ('a name without `workflow`', 'name: w\ntasks:\n  load: {run: x}\n',
     '1:1: error: unknown key `name` in a workflow (write `workflow:`)'),
    ('retries beside the command', 'workflow: w\ntasks:\n  load: {run: x, retries: 3}\n',
     '3:18: error: unknown key `retries` in a task (write `retry: {max: 3, delay: 1m}`)'),
    ('another word in a retry policy', 'workflow: w\ntasks:\n  load: {run: x, retry: {max: 3, interval: 30s}}\n',
     '3:34: error: unknown key `interval` in a retry policy (write `delay:`)'),
    ('a duration without a unit', 'workflow: w\ntasks:\n  load: {run: x, timeout: 30}\n',
     '3:27: error: duration "30": 30 has no unit (write 30s, 30m or 30h)'),
    ('a duration in words', 'workflow: w\ntasks:\n  load: {run: x, timeout: 30 minutes}\n',
     '3:27: error: duration "30 minutes": " minutes" is not a unit (the units are w, d, h, m, s, ms, us)'),
    ('two tasks in one text', 'workflow: w\ntasks:\n  a: {run: x}\n  b: {run: x}\n  c:\n    needs: a, b\n    run: x\n',
     '6:12: error: there is no task `a, b` (several are a list: [a, b])'),
    ('a task of another workflow', 'workflow: w\ntasks:\n  a: {run: x, needs: dw.orders.load}\n',
     '3:22: error: `dw.orders.load` is no task of this workflow (write {task: dw.orders.load} for one of another workflow)'),
    ('a name in other letters', 'workflow: w\ntasks:\n  Load: {run: x}\n  b: {run: x, needs: load}\n',
     '4:22: error: there is no task `load` (did you mean `Load`?)'),
    ('braces that are not closed', "workflow: w\ntasks:\n  a: {run: 'echo {{ ds }'}\n",
     '3:24: error: unexpected `}` after the expression (an expression ends in }})'),
    ('a date of Airflow', "workflow: w\ntasks:\n  a: {run: 'echo {{ execution_date }}'}\n",
     '3:21: error: unknown name `execution_date` (write `logical_date`, the start of the data interval, or `slot`)'),
    ('a macro of Airflow', "workflow: w\ntasks:\n  a: {run: 'echo {{ macros.ds_add(ds, -1) }}'}\n",
     "3:34: error: unexpected `(` after the expression (write `add_days(...)` or `date('yyyy-MM-dd', '-1d')`)"),
    ('XCom of Airflow', 'workflow: w\ntasks:\n  l: {run: x}\n  a: {needs: l, run: "echo {{ ti.xcom_pull(\'l\') }}"}\n',
     '4:43: error: unexpected `(` after the expression (write `inputs.TASK.KEY`, of what TASK wrote to $PINION_OUTPUT)'),
    ('a parameter mistyped', "workflow: w\nparams: {country: DEU}\ntasks:\n  a: {run: 'echo {{ params.contry }}'}\n",
     '4:21: error: unknown parameter `contry` (did you mean `country`?)'),
    ('a parameter without `params.`', "workflow: w\nparams: {country: DEU}\ntasks:\n  a: {run: 'echo {{ country }}'}\n",
     '4:21: error: unknown name `country` (write `params.country`)'),
    ('a variable of the environment as an expression', "workflow: w\ntasks:\n  a: {run: 'echo {{ env.HOME }}'}\n",
     '3:21: error: unknown name `env` (write $NAME, for the shell; declare it under `env:`)'),
    ('a date pattern of strftime', 'workflow: w\ntasks:\n  a: {run: "echo {{ date(\'%Y-%m-%d\') }}"}\n',
     '3:21: error: date pattern "%Y-%m-%d": % belongs to strftime (write yyyy-MM-dd)'),
    ('outputs of a task that is not upstream', "workflow: w\ntasks:\n  a: {run: x}\n  b: {run: 'echo {{ inputs.a.x }}'}\n",
     '4:21: error: task `a` is not upstream of `b` (add it to `needs:`)'),
    ("a dash in a task's name", "workflow: w\ntasks:\n  read-file: {run: x}\n  b: {needs: read-file, run: 'echo {{ inputs.read-file.x }}'}\n",
     "4:39: error: unknown task `read` (write inputs['read-file'])"),
    ('one = to compare', 'workflow: w\nparams: {mode: a}\ntasks:\n  a: {run: x, when: "{{ params.mode = \'full\' }}"}\n',
     '4:37: error: unexpected `=` after the expression (write == to compare)'),
    ('an environment as a list', 'workflow: w\ntasks:\n  a: {run: x, env: [PORT=8080]}\n',
     '3:20: error: a map is expected here, not a list (write `{NAME: value}`)'),
    ('a pool that nobody declared', 'workflow: w\ntasks:\n  a: {run: x, pool: gpu}\n',
     '3:21: error: there is no pool `gpu` (declare it under `pools:` in pinion.yaml)'),
    ('a channel that nobody declared', 'workflow: w\ntasks:\n  a: {run: x, on_failure: [{alert: ops}]}\n',
     '3:36: error: there is no channel `ops` (declare it under `channels:` in pinion.yaml)'),
    ('an alarm as text', 'workflow: w\ntasks:\n  a: {run: x, on_failure: ops}\n',
     '3:27: error: an alarm is expected here, not text (write `[{alert: CHANNEL}]`)'),
    ('a secret in a command', "workflow: w\ntasks:\n  a: {run: 'echo {{ secrets.x }}'}\n",
     '3:21: error: secrets are available only in `env:` and `stdin:` (pass it through `env:`)'),
    ('a zone by its abbreviation', 'workflow: w\ntimezone: CST\ntasks:\n  a: {run: x}\n',
     '2:11: error: there is no time zone "CST" (abbreviations are ambiguous: write the zone, such as Asia/Shanghai or America/Chicago)'),
    ('a zone by its city', 'workflow: w\ntimezone: Berlin\ntasks:\n  a: {run: x}\n',
     '2:11: error: there is no time zone "Berlin" (did you mean Europe/Berlin?)'),
    ('a project in the name', 'workflow: dw.w\ntasks:\n  a: {run: x}\n',
     "1:11: error: `dw.w` is no legal name (the project comes from pinion.yaml or the folder: write the workflow's name alone)"),
    ('a blank in the name', 'workflow: my flow\ntasks:\n  a: {run: x}\n',
     '1:11: error: `my flow` is no legal name (a name is 1 to 64 of A-Z a-z 0-9 _ -, and does not begin with -)'),
    ('a trigger rule', 'workflow: w\ntasks:\n  a: {run: x}\n  b: {needs: a, trigger_rule: all_done, run: x}\n',
     '4:17: error: unknown key `trigger_rule` in a task (write `join:`)'),
    ('a join rule mistyped', 'workflow: w\ntasks:\n  a: {run: x}\n  b: {needs: a, join: any_success, run: x}\n',
     '4:23: error: `any_success` is none of `all_success`, `all_failed`, `all_done`, `all_done_min_one_success`, `all_done_setup_success`, `one_success`, `one_failed`, `one_done`, `none_failed`, `none_failed_min_one_success`, `none_skipped`, `all_skipped` or `always` (did you mean `all_success`?)'),
    ('catchup without a start', "workflow: w\ntriggers: [{cron: '0 2 * * *', catchup: true}]\ntasks:\n  a: {run: x}\n",
     '2:41: error: `catchup` makes up what is owed since `start`, which is missing (add `start: 2026-01-01`)'),
    ('a whole command as one element', 'workflow: w\ntasks:\n  a: {run: [python3 train.py --n 3]}\n',
     "3:12: warning: a list is a program with its arguments, without a shell: `python3 train.py --n 3` is taken for a program's name (write it as text, or each argument as an element)"),
    ('a task type of others', 'workflow: w\ntasks:\n  a: {type: bash, run: x}\n',
     '3:13: error: `bash` is none of `shell`, `python`, `empty`, `check`, `workflow`, `switch` or `java` (write `shell`, or leave `type` out)'),
    ('a command for Python', 'workflow: w\ntasks:\n  a: {type: python, run: x.py}\n',
     '3:21: error: `run` does not belong to a task of type python (write `script:`)'),
    ('a task that is only a command', 'workflow: w\ntasks:\n  a: ./load\n',
     '3:6: error: a task is expected here, not text (write `{run: ...}`)'),
    ('a task of nothing', 'workflow: w\ntasks:\n  a:\n  b: {run: x}\n',
     '3:3: error: the task `a` is empty (write at least `run: ...` or `type: empty`)'),
    ('a key that is not indented', 'workflow: w\ntasks:\n  a:\n  run: x\n',
     '3:3: error: the task `a` is empty (write at least `run: ...` or `type: empty`)'),
    ('a list to go through, without a name', 'workflow: w\ntasks:\n  a: {for_each: [1, 2], run: x}\n',
     '3:17: error: `for_each` is a map of one loop name (as in {country: [DEU, AUT]})'),
    ('depends_on_past', 'workflow: w\ntasks:\n  a: {run: x, depends_on_past: true}\n',
     '3:15: error: unknown key `depends_on_past` in a task (write `depends_on_previous: self`)'),
    ('concurrency', 'workflow: w\nconcurrency: 3\ntasks:\n  a: {run: x}\n',
     '2:1: error: unknown key `concurrency` in a workflow (write `max_active_runs:`; tasks share a `pool:`)'),
    ('a # in a command', 'workflow: w\ntasks:\n  a:\n    run: echo item #3 done\n',
     '4:20: warning: YAML takes what follows ` #` as a comment: the command ends before it (write the command in quotes if the # belongs to it)'),
    ('a colon in a command', 'workflow: w\ntasks:\n  a:\n    run: echo result: 3\n',
     '4:21: error: syntax error: illegal map value (write text that holds `: ` in quotes)'),
    ('a tab', 'workflow: w\ntasks:\n\ta: {run: x}\n',
     '3:3: error: syntax error: illegal map value (indent by spaces: YAML allows no tabs)'),
    ('braces without quotes', 'workflow: w\ntasks:\n  a:\n    run: {{ ds }}\n',
     '4:10: error: text is expected here, not a map (write "{{ … }}" in quotes: YAML reads a bare { as a map)'),
    ('an environment of the workflow', 'workflow: w\nenv: {A: b}\ntasks:\n  a: {run: x}\n',
     '2:1: error: unknown key `env` in a workflow (write `defaults: {env: {NAME: value}}`)'),
    ('an hour as a number', 'workflow: w\ntriggers: [{period: day, at: 2}]\ntasks:\n  a: {run: x}\n',
     '2:30: error: at: "2" is no time within the period (write the time of day, such as "02:00" or "02:00:30")'),
    ('an adverb as period', "workflow: w\ntriggers: [{period: daily, at: '02:00'}]\ntasks:\n  a: {run: x}\n",
     '2:21: error: period: "daily" is no period (write minute, hour, day, week, month or year)'),
    ('two workflows in one document', 'workflow: w\ntasks:\n  a: {run: x}\nworkflow: v\ntasks:\n  b: {run: x}\n',
     '4:1: error: the key `workflow` stands twice, first in line 1 (separate workflows by a line `---`)'),
    ('pools in a workflow', 'workflow: w\npools: {gpu: 2}\ntasks:\n  a: {run: x}\n',
     '2:1: error: unknown key `pools` in a workflow (it belongs to pinion.yaml, beside the workflows)'),
    ('a calendar that nobody declared', "workflow: w\ntriggers: [{cron: '0 2 * * *', calendar: workdays}]\ntasks:\n  a: {run: x}\n",
     '2:42: error: there is no calendar `workdays` (declare it under `calendars:` in pinion.yaml)'),
    ('a deadline as a duration', 'workflow: w\ntasks:\n  a: {run: x, deadline: 8h}\n',
     '3:25: error: `8h` is no deadline (write a time of the slot\'s day, "08:00"; hours go on to 47, of the next day)'),
    ('a word of others for cwd', 'workflow: w\ntasks:\n  a: {run: x, workdir: /tmp}\n',
     '3:15: error: unknown key `workdir` in a task (write `cwd:`)'),
    ('a word of others for when', 'workflow: w\ntasks:\n  a: {run: x, if: "{{ true }}"}\n',
     '3:15: error: unknown key `if` in a task (write `when: "{{ ... }}"`)'),
]


def validate(text):
    with tempfile.TemporaryDirectory() as home:
        file = Path(home, "dw", "f.yaml")
        file.parent.mkdir()
        file.write_text(text, encoding="utf-8")
        return subprocess.run([BIN / "pinionctl", "validate", "dw/f.yaml"], cwd=home, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False)


class Mistakes(unittest.TestCase):
    def test_each_has_its_message(self):
        self.assertGreaterEqual(len(MISTAKES), 20)
        for name, text, message in MISTAKES:
            with self.subTest(name):
                done = validate(text)
                printed = [line.removeprefix("dw/f.yaml:") for line in (done.stdout + done.stderr).splitlines()]
                self.assertIn(message, printed)
                self.assertEqual(done.returncode, DONE if ": warning: " in message else FAILED)

    def test_each_says_what_to_write(self):
        for name, _, message in MISTAKES:
            with self.subTest(name):
                self.assertRegex(message, r"^\d+:\d+: (error|warning): .+ \(.+\)$")


if __name__ == "__main__":
    unittest.main()
