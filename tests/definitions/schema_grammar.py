"""What may stand where in definition files: each construct with its place in a set of files, and samples of its keys.

The constructs and their keys are those of the loader's tables; schema_agreement.py notices one that is missing here.
"""

GONE = object()  # In what stands beside a sample: the key is left out.
LONG_NAME = "x" * 64

PROJECT = {
    "project": "p",
    "pools": {"small": 1, "wide": 1000000},
    "channels": {"ops": {"log": True}},
    "calendars": {"workdays": {"weekdays": "mon-fri"}},
    "profiles": {"slow": {"priority": 2}, "7": {"grace": "1s"}},
    "secrets": {"pw": {"env": "PW"}},
}
UPSTREAM = {
    "workflow": "up",
    "params": {"x": 1},
    "triggers": [{"id": "daily", "period": "day"}],
    "tasks": {"t": {"run": "true"}},
}
TEMPLATE = {"template": "tpl", "workflow": "made_{{ each.x }}", "tasks": {"t": {"run": "echo {{ each.x }}"}}}
OTHERS = {"a": {"run": "true"}, "b": {"run": "true"}, "c": {"run": "true"}, "7": {"run": "true"}}


class Sample:
    """A value that is taken, with the keys that must stand beside it."""

    def __init__(self, value, **beside):
        self.value, self.beside = value, beside


class Construct:
    """A map of the language: where it stands, what it needs at least, samples of each key.

    `files(value)` puts a value of it into a set: the documents of pinion.yaml and of a workflow file.
    `schema` is the file of its `$def`.
    """

    def __init__(self, files, base, keys, schema="workflow"):
        self.files, self.base, self.schema = files, base, schema
        self.samples = {key: [each if isinstance(each, Sample) else Sample(each) for each in values]
                        for key, values in keys.items()}

    def host(self, key, sample):
        """A value of the construct in which `key` has the sample."""
        made = {**self.base, **sample.beside, key: sample.value}
        return {name: value for name, value in made.items() if value is not GONE}


def workflow_files(value):
    return PROJECT, [value]


def project_files(value):
    return value, [{"workflow": "w", "tasks": OTHERS}]


def task_files(value):
    return PROJECT, [{"workflow": "w", "triggers": [{"period": "day"}], "tasks": {"t": value, **OTHERS}}]


def in_task(key, **beside):
    """A construct below a key of a task; `wrap` puts it into a list or a map."""
    wrap = beside.pop("wrap", lambda value: value)
    return lambda value: task_files({"run": "true", **beside, key: wrap(value)})


def trigger_files(value):
    return PROJECT, [{"workflow": "w", "params": {"n": 1}, "triggers": [value], "tasks": OTHERS}]


def in_trigger(key, **beside):
    return lambda value: trigger_files({"cron": "0 2 * * *", **beside, key: value})


def param_files(value):
    return PROJECT, [{"workflow": "w", "params": {"n": value}, "tasks": OTHERS}]


def in_project(key):
    return lambda value: project_files({**PROJECT, key: {**PROJECT.get(key, {}), "x": value}})


def template_files(value):
    return PROJECT, [TEMPLATE, value]


FLAGS = [True, False]
OVERLAPS = ["queue", "queue_one", "skip", "cancel_running", "allow"]
JOINS = ["all_success", "all_failed", "all_done", "all_done_min_one_success", "all_done_setup_success", "one_success",
         "one_failed", "one_done", "none_failed", "none_failed_min_one_success", "none_skipped", "all_skipped",
         "always"]
ALARMS = [{"alert": "ops"}, [], [{"alert": "ops"}, {"alert": "ops"}]]
END_RULES = [*ALARMS, {"task": "a"}, [{"alert": "ops"}, {"task": "a"}, {"task": "b"}]]
ZONES = ["UTC", "Asia/Shanghai"]
VALUES = [{}, {"a": 1, "b": "x", "c": [1, {"d": None}], "e": None, "7": 1.5}]

PYTHON = {"type": "python", "run": GONE, "script": "x.py"}
JAVA = {"type": "java", "run": GONE, "jar": "x.jar"}
CALL = {"type": "workflow", "run": GONE, "workflow": "up"}
SWITCH = {"type": "switch", "run": GONE, "on": "{{ 1 }}", "cases": {"x": "a"}}
CHECKED = {"type": "check", "run": GONE, "checks": [{"command": "true"}]}

DEFAULTS = {
    "shell": ["/bin/sh -e", 7],
    "python": ["python3.11"],
    "cwd": ["x", "/tmp/x", 7, True],
    "env": [{}, {"LEVEL": "info", "_N": 1, "ON": True, "E": ""}],
    "expressions": FLAGS,
    "pool": ["small", {"small": 1}, {"small": 1, "wide": 1000000}, {}],
    "priority": [1, 5, 9],
    "retry": [0, 3, 10000, {}, {"max": 1}],
    "timeout": ["1h", "1d12h", {}, {"attempt": "1h"}],
    "grace": ["0s", "30s"],
    "skip_exit": [1, 99, 255],
    "on_failure": ALARMS,
    "on_success": ALARMS,
    "on_fallback": ALARMS,
}

TASK = {
    "title": ["", "A title", 7, True],
    "type": ["shell", Sample("python", **{**PYTHON, "type": GONE}), Sample("empty", run=GONE),
             Sample("check", **CHECKED), Sample("workflow", **CALL), Sample("switch", **SWITCH),
             Sample("java", **JAVA)],
    "use": ["slow", 7, ["slow", "7"], []],
    "run": ["echo a", "a\nb", 7, True, ["echo", "a b", 7], "echo {{ slot }}"],
    "script": [Sample("x.py", **PYTHON), Sample("print(1)\n", **PYTHON)],
    "args": [Sample([], **PYTHON), Sample(["a", 1, True], **PYTHON), Sample(["a"], **JAVA)],
    "jar": [Sample("y.jar", **JAVA)],
    "jvm": [Sample([], **JAVA), Sample(["-Xmx1g", 1], **JAVA)],
    "workflow": [Sample("up", **CALL), Sample("p.up", **CALL)],
    "params": [Sample({}, **CALL), Sample({"x": 2}, **CALL), Sample({"x": "3"}, **CALL)],
    "stdin": ["", "text", 7, "{{ secrets.pw }}"],
    "needs": ["a", 7, [], ["a", "b"], ["a", {"task": "up.t"}], {"task": "p.up.t"}, {"workflow": "up"}],
    "join": [Sample(rule, needs=["a", "b"]) for rule in JOINS]
            + [Sample(text, needs=["a", "b"]) for text in ("a.success && b.done", "!(a.failed || b.skipped)")],
    "when": ["true", True, "{{ 1 == 1 }}"],
    "fallback": ["c", 7],
    "for_each": [{"x": [1, 2]}, {"x": []}, {"x": "{{ [1] }}"}, {"x": {"of": [1]}}, {"_x1": ["a"]}],
    "checks": [[], [{"command": "true"}], [{"command": "a"}, {"command": "b"}]],
    "poll": ["1m", {}, {"every": "1m"}],
    "on": [Sample("'x'", **SWITCH), Sample("{{ 1 + 1 }}", **SWITCH), Sample(7, **SWITCH)],
    "cases": [Sample({"x": "a"}, **SWITCH), Sample({"x": ["a", "b"], "": [], "y z": 7}, **SWITCH)],
    "default": [Sample("b", **SWITCH), Sample([], **SWITCH), Sample(["b", "7"], **SWITCH)],
    "setup": FLAGS,
    "teardown": [True, False, Sample("a", needs="a"), Sample(["a", "b"], needs=["a", "b"])],
    "ignore_failure": FLAGS,
    "max_active": [1, 1000000],
    "depends_on_previous": ["self", "children", ["a"]],
    "deadline": ["08:00", "00:00:00", "47:59:59"],
    **DEFAULTS,
    "shell": ["/bin/sh -e", 7, Sample("/bin/sh", **CHECKED)],
    "python": [Sample("python3.11", **PYTHON)],
}

TRIGGER = {
    "id": ["nightly", 7, True, LONG_NAME],
    "cron": ["0 2 * * *", "30 0 2 * * *", "@daily"],
    "dialect": ["unix", Sample("quartz", cron="0 0 2 ? * MON")],
    "dom_dow": ["and", "or"],
    "period": [Sample(unit, cron=GONE) for unit in ("minute", "hour", "day")]
              + [Sample("week", cron=GONE, days="mon"), Sample("month", cron=GONE, days=1),
                 Sample("year", cron=GONE, days="12-24")],
    "at": [Sample("02:00", cron=GONE, period="day"), Sample([":05", ":35"], cron=GONE, period="hour")],
    "days": [Sample("mon-fri", cron=GONE, period="week"), Sample([1, "last"], cron=GONE, period="month"),
             Sample(5, cron=GONE, period="month")],
    "step": [Sample(1, cron=GONE, period="day"), Sample(3660, cron=GONE, period="day")],
    "every": [Sample("15m", cron=GONE), Sample("1s", cron=GONE)],
    "anchor": [Sample("2026-01-01", cron=GONE, every="1h"), Sample("2026-01-01T00:30Z", cron=GONE, every="1h")],
    "dates": [Sample("2026-12-24", cron=GONE), Sample(["2026-12-24T02:00", "2027-01-01"], cron=GONE)],
    "after": [Sample("up", cron=GONE), Sample("p.up", cron=GONE)],
    "trigger": [Sample("daily", cron=GONE, after="up")],
    "state": [Sample("success", cron=GONE, after="up"), Sample("done", cron=GONE, after="up")],
    "timezone": ZONES,
    "start": ["2026-01-01", "2026-01-01T02:00"],
    "end": ["2027-01-01", "2027-01-01T02:00Z"],
    "catchup": [False, Sample(True, start="2026-11-01")],
    "misfire": ["all", "last", "none", {}, {"policy": "all"}],
    "calendar": ["workdays", {"name": "workdays"}],
    "shift": [Sample(word, calendar="workdays") for word in ("skip", "next", "previous")],
    "off_days": ["none", Sample("dryrun", calendar="workdays")],
    "dst": [{}, {"missing": "skip"}],
    "jitter": ["0s", "2m", "1d"],
    "params": [{}, {"n": 2}, {"n": "3"}],
    "enabled": FLAGS,
    "priority": [1, 9],
    "overlap": OVERLAPS,
}

WORKFLOW = {
    "workflow": ["w", 7, True, LONG_NAME, "_-"],
    "description": ["", "For people: all of them", 7],
    "owner": ["", "team", 7, False],
    "labels": [{}, {"tier": "gold", "7": 1, "ok": True, "e": ""}],
    "timezone": ZONES,
    "params": [{}, {"s": "x", "i": 1, "n": 1.5, "b": True, "l": [1], "long": {"default": 1}, "7": "x"}],
    "vars": VALUES,
    "triggers": [[], [{"cron": "0 2 * * *"}], [{"id": "a", "period": "day"}, {"id": "b", "every": "1h"}]],
    "overlap": OVERLAPS,
    "max_active_runs": [1, 100000],
    "max_active_tasks": [1, 1000000],
    "timeout": ["1ms", "6h"],
    "failure": ["continue", "finish_running", "cancel"],
    "data_interval": ["previous", "point", "minute", "hour", "day", "week", "month", "year", "36h"],
    "edits": ["immediate", "next_day"],
    "dialect": ["airflow", "dolphinscheduler", "dataworks"],
    "on_failure": END_RULES,
    "on_success": END_RULES,
    "on_fallback": ALARMS,
    "defaults": [{}, {"priority": 1}],
    "tasks": [{"t": {"run": "true"}}, {"7": {"type": "empty"}, LONG_NAME: {"run": "true"}}],
    "flow": [[], ["a", "b"], [["a", "b"], "c"], [["a"], [], ["7"]]],
}

PROJECT_KEYS = {
    "project": ["p", 7, True, LONG_NAME],
    "timezone": ZONES,
    "defaults": [{}, {"priority": 1}],
    "profiles": [{}, {"slow": {"priority": 2}, "7": {}}],
    "vars": VALUES,
    "secrets": [{}, {"pw": {"env": "PW"}, "7": {"file": "x"}}],
    "pools": [{}, {"small": 1, "7": 1000000}],
    "calendars": [{}, {"workdays": {"weekdays": "mon-fri"}, "7": {"also": "2026-12-24"}}],
    "channels": [{}, {"ops": {"log": True}, "7": {"command": ["./page.sh"]}}],
    "environments": [{}, {"prod": None, "dev": {}, "7": {"triggers": False}}],
}

SETTINGS = {name: PROJECT_KEYS[name] for name in ("vars", "secrets", "pools", "channels")}
DAYS = ["2026-12-24", "2026-10-01..2026-10-07", ["2026-12-24", "2026-12-31"], []]

CONSTRUCTS = {
    "workflow": Construct(workflow_files, {"workflow": "w", "tasks": OTHERS}, WORKFLOW),
    "from_template": Construct(template_files, {"from": "tpl", "each": [{"x": 1}]}, {
        "from": ["tpl"], "each": [[{"x": 1}, {"x": 2}], {"x": [1, 2]}]}),
    "task": Construct(task_files, {"run": "true"}, TASK),
    "defaults": Construct(
        lambda value: workflow_files({"workflow": "w", "defaults": value, "tasks": OTHERS}), {}, DEFAULTS),
    "trigger": Construct(trigger_files, {"cron": "0 2 * * *"}, TRIGGER),
    "param": Construct(param_files, {"default": 1}, {
        "default": [1, "x", True, 1.5, [1], {"a": 1}],
        "type": ["integer", "number", "string", Sample("boolean", default=True), Sample("list", default=[]),
                 Sample("map", default={}), Sample("string", default=GONE)],
        "enum": [[1, 2], Sample(["x", "y"], default="x"), Sample([True], default=GONE)],
        "min": [0, 1, -1.5], "max": [1, 2.5, 10]}),
    "retry": Construct(in_task("retry"), {}, {
        "max": [0, 10000], "delay": ["0s", "1m"], "factor": [1, 2.5, 100], "max_delay": ["0s", "1d"],
        "jitter": [0, 0.2, 1], "on_exit": [1, 255, [], [75, 75]], "on_timeout": FLAGS}),
    "timeout": Construct(in_task("timeout"), {}, {
        key: ["1ms", "1h30m", "3660d"] for key in ("attempt", "queue", "upstream", "task")}),
    "check": Construct(in_task("checks", wrap=lambda value: [value]), {"command": "true"}, {
        "command": ["true", ["test", "-e", "x"], 7], "name": ["full", 7, LONG_NAME], "weak": FLAGS,
        "timeout": ["1ms", "1h"]}),
    "poll": Construct(in_task("poll"), {}, {
        "every": ["100ms", "1m"], "timeout": ["1ms", "1d"], "not_yet": [1, 255, [1, 2]]}),
    "need": Construct(in_task("needs"), {"task": "up.t"}, {
        "task": ["up.t", "p.up.t"], "workflow": [Sample("up", task=GONE), Sample("p.up", task=GONE)],
        "trigger": ["daily"], "slot": ["nearest", "same_slot", "same_day", "previous", -1, -10000],
        "window": ["data", "slot_day", "hour", "day", "week", "month"],
        "last": [1, Sample(10000), Sample(2, window="day")], "state": ["success", "done"],
        "missing": ["wait", "satisfied", "fail"], "as": ["sales", 7, LONG_NAME]}),
    "for_each": Construct(in_task("for_each", pool="wide", wrap=lambda value: {"x": value}), {"of": [1]}, {
        "of": [[1, 2], "{{ [1] }}", []], "groups": [1, 10000, "pool"], "max_parallel": [1, 10000],
        "key": ["{{ x }}", "name"]}),
    "end_rule": Construct(
        lambda value: workflow_files({"workflow": "w", "on_failure": value, "tasks": OTHERS}), {"alert": "ops"}, {
            "alert": ["ops"], "task": ["a", Sample("a", alert=GONE)]}),
    "alarm": Construct(in_task("on_failure"), {"alert": "ops"}, {"alert": ["ops"]}),
    "misfire": Construct(in_trigger("misfire"), {}, {
        "policy": ["all", "last", "none"], "within": ["1ms", "1d"], "max": [1, 10000]}),
    "dst": Construct(in_trigger("dst"), {}, {"missing": ["shift", "skip"], "repeated": ["first", "last", "both"]}),
    "shifted_calendar": Construct(in_trigger("calendar"), {"name": "workdays"}, {
        "name": ["workdays"], "shift": ["skip", "next", "previous"]}),
    "project": Construct(project_files, {}, PROJECT_KEYS, "pinion"),
    "environment": Construct(in_project("environments"), {}, {**SETTINGS, "triggers": FLAGS}, "pinion"),
    "secret": Construct(in_project("secrets"), {"env": "PW"}, {
        "env": ["PW", 7], "file": [Sample("x", env=GONE), Sample(7, env=GONE)]}, "pinion"),
    "channel": Construct(in_project("channels"), {"log": True}, {
        "log": [True, Sample(False, command=["x"])], "command": [["./page.sh", 7], Sample(["x"], log=GONE)]}, "pinion"),
    "calendar": Construct(in_project("calendars"), {"weekdays": "mon-fri"}, {
        "weekdays": ["mon-fri", "sat", ["mon", "wed-fri"], []],
        "except": DAYS, "also": DAYS, "on": ["workdays"]}, "pinion"),
}

# Constructs below keys of others, for random files: how a value of them stands there.
NESTED = {
    ("task", "retry"): ("retry", lambda value: value), ("task", "timeout"): ("timeout", lambda value: value),
    ("task", "poll"): ("poll", lambda value: value), ("task", "checks"): ("check", lambda value: [value]),
    ("task", "needs"): ("need", lambda value: ["a", value]), ("task", "on_failure"): ("alarm", lambda value: value),
    ("task", "for_each"): ("for_each", lambda value: {"x": value}),
    ("trigger", "misfire"): ("misfire", lambda value: value), ("trigger", "dst"): ("dst", lambda value: value),
    ("trigger", "calendar"): ("shifted_calendar", lambda value: value),
    ("workflow", "defaults"): ("defaults", lambda value: value),
    ("workflow", "on_failure"): ("end_rule", lambda value: value),
    ("workflow", "params"): ("param", lambda value: {"n": value}),
    ("workflow", "triggers"): ("trigger", lambda value: [value]),
    ("workflow", "tasks"): ("task", lambda value: {"t": value, **OTHERS}),
    ("project", "calendars"): ("calendar", lambda value: {"workdays": value}),
    ("project", "secrets"): ("secret", lambda value: {"pw": value}),
    ("project", "channels"): ("channel", lambda value: {"ops": value}),
    ("project", "environments"): ("environment", lambda value: {"dev": value}),
    ("project", "defaults"): ("defaults", lambda value: value),
}


def together():
    """Files in which each part is good and the whole is not: a schema cannot see it."""
    def tasks(given, **more):
        return PROJECT, [{"workflow": "w", **more, "tasks": {"a": {"run": "true"}, "b": {"run": "true"}, **given}}]

    def task(**keys):
        return tasks({"t": {"run": "true", **keys}})

    def triggers(*given, **more):
        return tasks({}, triggers=list(given), **more)

    plain = {"run": "true"}
    yield task(needs="t")
    yield task(needs=["nobody"])
    yield task(fallback="t")
    yield tasks({"t": {**plain, "fallback": "b"}, "u": {**plain, "fallback": "b"}})
    yield tasks({"t": {"type": "switch", "on": "1", "cases": {"1": "t"}}})
    yield tasks({"t": {**plain, "teardown": True}, "u": {**plain, "teardown": "t"}})
    yield task(needs=["a", "b"], join="a.success")
    yield task(needs=["a"], join="a.success && b.done")
    yield task(needs=["a"], join="a.well")
    yield tasks({"t": {**plain, "fallback": "u"}, "u": {**plain, "setup": True}})
    yield tasks({"t": {**plain, "fallback": "b"}}, flow=["a", "t", "b"])
    yield tasks({"t": {**plain, "fallback": "u"}, "u": {**plain, "needs": "a"}})
    yield tasks({"t": {**plain, "fallback": "u"}, "u": {**plain, "depends_on_previous": "self"}},
                triggers=[{"period": "day"}])
    yield tasks({"t": {**plain, "fallback": "u"}, "u": plain, "v": {**plain, "needs": "u"}})
    yield tasks({"t": {**plain, "fallback": "u"}, "u": {**plain, "fallback": "t"}})
    yield tasks({"t": {**plain, "needs": "u"}, "u": {**plain, "needs": "t"}})
    yield tasks({}, flow=["a", "a"])
    yield tasks({}, on_failure=[{"task": "a"}, {"task": "a"}])
    yield tasks({"t": {**plain, "needs": "a"}}, on_failure={"task": "a"})
    yield tasks({"t": plain, "u": {**plain, "needs": "t"}}, on_failure={"task": "t"}, on_success={"task": "u"})
    yield PROJECT, [{"workflow": "w", "on_failure": {"task": "a"}, "tasks": {"a": plain}}]
    yield tasks({"t": {**plain, "fallback": "u"}, "u": plain}, on_failure={"task": "u"})
    yield tasks({"t": {**plain, "setup": True}}, on_failure={"task": "t"})
    yield tasks({"t": {**plain, "depends_on_previous": "self"}}, on_failure={"task": "t"})
    yield tasks({"t": {**plain, "depends_on_previous": ["a"]}}, on_failure={"task": "a"})
    yield tasks({}, on_failure={"task": "a"}, flow=["b", "a"])
    yield task(run="{{ run.outcome }}")
    yield task(needs=[{"task": "up.t"}, {"task": "up.t"}])
    yield task(needs=[{"task": "up.t", "as": "x"}, {"task": "up.t", "slot": -1, "as": "x"}])
    yield task(needs=[{"task": "up.t", "as": "a"}])
    yield task(needs=[{"task": "up.nobody"}])
    yield task(needs=[{"workflow": "nobody"}])
    yield task(needs=[{"workflow": "up", "trigger": "nobody"}])
    yield task(checks=[{"command": "x", "name": "c"}, {"command": "y", "name": "c"}])
    yield task(poll={"not_yet": 99})
    yield task(poll={"not_yet": 7}, retry={"max": 1, "on_exit": 7})
    yield task(poll={"every": "100ms", "timeout": "3000d"})
    yield task(for_each={"x": {"of": [1], "groups": "pool"}})
    yield task(for_each={"slot": [1]})
    yield task(pool={"small": 2})
    yield task(pool="nobody")
    yield task(use="nobody")
    yield task(on_failure={"alert": "nobody"})
    yield task(run="{{ secrets.pw }}")
    yield task(run="{{ params.nobody }}")
    yield task(run="{{ vars.nobody }}")
    yield task(env={"X": "{{ secrets.nobody }}"})
    yield task(run="{{ inputs.nobody.x }}")
    yield task(run="{{ 1 +* 2 }}")
    yield task(run="echo `{{ slot }}`")
    yield tasks({"t": {"type": "workflow", "workflow": "nobody"}})
    yield tasks({"t": {"type": "workflow", "workflow": "up", "params": {"nobody": 1}}})
    yield tasks({"t": {"type": "workflow", "workflow": "w"}})
    yield tasks({"t": {"type": "workflow", "workflow": "w"}}, params={"n": {"type": "integer"}})
    yield triggers({"id": "x", "period": "day"}, {"id": "x", "period": "hour"})
    yield triggers({"period": "day"}, {"period": "hour"})
    yield triggers({"period": "day", "start": "2026-02-01", "end": "2026-01-01"})
    yield triggers({"cron": "0 2 30 2 *"})
    yield triggers({"cron": "0 2 1 2 *", "start": "2026-03-01", "end": "2026-04-01"})
    yield triggers({"period": "day"}, params={"n": {"type": "integer"}})
    yield triggers({"period": "day", "params": {"nobody": 1}})
    yield triggers({"period": "day", "calendar": "nobody"})
    yield triggers({"every": "1h", "misfire": {"max": 5}})
    yield tasks({}, params={"n": {"type": "integer", "min": 2, "max": 1}})
    yield tasks({}, params={"n": {"default": 1, "enum": [2, 3]}})
    yield tasks({}, params={"n": {"default": "x", "max": 1}})
    yield PROJECT, [{"workflow": "w", "tasks": OTHERS}, {"workflow": "w", "tasks": OTHERS}]
    for calendars in ({"x": {"on": "y"}, "y": {"on": "x"}}, {"x": {"weekdays": "none"}}):
        yield {**PROJECT, "calendars": calendars}, [{"workflow": "w", "tasks": OTHERS}]
