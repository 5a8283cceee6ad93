"""The JSON Schemas and the loader accept the same definition files.

    schema_agreement.py READER [--seed N] [--files N]

READER is the program definitions_read_documents. Of every key of every construct each sample and many odd values are
tried, then files put together at random and broken in some places; a schema's verdict must be the loader's. The
difference that is left, what the loader refuses and a schema cannot say, is the list of docs/reference/schema.md: every
error that the loader has for a file that the schemas take must be one of those messages, and each of them must be met.
"""
import argparse
import copy
import json
import random
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import jsonschema

from schema_grammar import CONSTRUCTS, GONE, NESTED, PROJECT, UPSTREAM, together
from yaml_text import written

ROOT = Path(__file__).parents[2]
EXCEPTIONS = ROOT / "docs" / "reference" / "schema.md"
ODD = [None, "", " ", "\t\n", "x", "a b", "-", "7", "1m", "0s", "1m1h", "9999w", "30", "true", "yes", "self", "é",
       "\u00a0", "x.y", "a.b.c", "{{ nothing }}", "{{ }}", "{{", "2026-02-30", "24:00",
       0, 1, -1, 7, 1.5, 2.0, 256, 2 ** 63,
       True, False, [], [None], [""], ["x"], ["a", "a"], [1], [[]], [{}], {}, {"x": 1}, {"x": None}, {"": 1},
       {"7": []}, {"a": {"b": []}}, "x" * 64, "x" * 65]
NAMES = ["", " ", "-", "-a", "a.b", "a b", "é", "7", "true", "PINION_X", "_", "a-b", "x" * 64, "x" * 65]


def ecma(pattern):
    """A pattern as JSON Schema means it: `$` is the end, not also before a last newline."""
    return re.compile(re.sub(r"\$$", r"\\Z", pattern))


class Schemas:
    def __init__(self):
        self.files = {name: json.loads((ROOT / "schema" / f"{name}.schema.json").read_text(encoding="utf-8"))
                      for name in ("workflow", "pinion")}
        patterns = {}

        def pattern(_, text, instance, __):
            if isinstance(instance, str):
                if text not in patterns:
                    patterns[text] = ecma(text)
                if not patterns[text].search(instance):
                    yield jsonschema.ValidationError("does not match")

        base = jsonschema.Draft202012Validator
        base.check_schema(self.files["workflow"])
        base.check_schema(self.files["pinion"])
        kind = jsonschema.validators.extend(base, {"pattern": pattern})
        store = {each["$id"]: each for each in self.files.values()}
        self.validators = {name: kind(schema, resolver=jsonschema.RefResolver(schema["$id"], schema, store=store))
                           for name, schema in self.files.items()}
        self.taken = {}

    def take(self, project, documents):
        """Whether both schemas accept the files. What is the same in many files is asked once."""
        # Between `---` and `---` there may be nothing, as long as the file has a workflow.
        documents = [each for each in documents if each is not None] or [None]
        return self.takes("pinion", project) and all(self.takes("workflow", each) for each in documents)

    def takes(self, name, document):
        key = name + json.dumps(document)
        if key not in self.taken:
            self.taken[key] = self.validators[name].is_valid(document)
        return self.taken[key]

    def of(self, construct):
        schema = self.files[CONSTRUCTS[construct].schema]
        return schema if construct == "project" else schema["$defs"][construct]

    def limits(self, construct, key):
        """The numbers at and just beyond each limit in what the schema says of a key."""
        found, seen = set(), set()

        def walk(at):
            if isinstance(at, list):
                for each in at:
                    walk(each)
            elif isinstance(at, dict):
                if "$ref" in at and at["$ref"] not in seen:
                    seen.add(at["$ref"])
                    walk(self.files["workflow"]["$defs"].get(at["$ref"].rsplit("/", 1)[1], {}))
                for word, step in (("minimum", -1), ("maximum", 1)):
                    if word in at:
                        found.update({at[word], at[word] + step})
                walk(list(at.values()))

        walk(self.of(construct)["properties"][key])
        return sorted(found)


class Exceptions:
    """The messages of schema.md, one a line of its `text` blocks; `…` stands for any text."""

    def __init__(self):
        blocks = re.findall(r"```text\n(.*?)```", EXCEPTIONS.read_text(encoding="utf-8"), re.S)
        self.lines = [line for block in blocks for line in block.splitlines() if line]
        self.patterns = [re.compile(".*".join(map(re.escape, line.split("…"))), re.S)
                         for line in self.lines]
        self.met = set()

    def cover(self, message):
        found = [i for i, pattern in enumerate(self.patterns) if pattern.fullmatch(message)]
        self.met.update(found)
        return bool(found)


class Trial:
    """One set of files, what it is to show, and both verdicts."""

    def __init__(self, what, files, style=None):
        self.what, (self.project, self.documents), self.style = what, files, style
        self.errors = []
        self.schema = True

    def texts(self):
        return {"/w/p/pinion.yaml": written([self.project], self.style),
                "/w/p/flow.yaml": written(self.documents, self.style),
                "/w/p/up.yaml": written([UPSTREAM], None)}


def trials_of_keys(schemas):
    """Each key of each construct: samples, odd values, limits, without it; unknown keys and odd names."""
    for name, construct in CONSTRUCTS.items():
        def trial(what, value):
            return Trial((name, *what), construct.files(value))

        yield trial(("a key that nobody knows",), {**construct.base, "unknwon": 1})
        for value in ODD:
            yield trial(("as a whole", value), value)
        for key, samples in construct.samples.items():
            host = construct.host(key, samples[0])
            for sample in samples:
                yield trial((key, "sample", sample.value), construct.host(key, sample))
            if samples[0].value is True:
                for i, word in enumerate(("yes", "No", "ON", "off")):
                    yield Trial((name, key, "word", word), construct.files({**host, key: word}), random.Random(i))
            for value in [*ODD, *schemas.limits(name, key)]:
                yield trial((key, "odd", value), {**host, key: value})
            yield trial((key, "left out"), {each: value for each, value in host.items() if each != key})
            for sample in samples:
                if isinstance(sample.value, dict) and sample.value:
                    inner = next(iter(sample.value.values()))
                    for odd in NAMES:
                        yield trial((key, "name", odd), {**construct.host(key, sample), key: {odd: inner}})
                    for odd in [*ODD, *schemas.limits(name, key)]:
                        for inside in ("x", next(iter(sample.value))):
                            yield trial((key, "value", odd),
                                        {**construct.host(key, sample), key: {**sample.value, inside: odd}})
                if isinstance(sample.value, list) and sample.value:
                    for odd in ODD:
                        yield trial((key, "item", odd), {**construct.host(key, sample), key: [*sample.value, odd]})


def trials_of_pairs():
    """Each two keys of a construct side by side: what does not go together."""
    for name, construct in CONSTRUCTS.items():
        keys = list(construct.samples)
        for i, one in enumerate(keys):
            for other in keys[i + 1:]:
                for sample in construct.samples[one][:1]:
                    for second in construct.samples[other][-1:]:
                        value = {**construct.base, **second.beside, **sample.beside,
                                 one: sample.value, other: second.value}
                        value = {key: each for key, each in value.items() if each is not GONE}
                        yield Trial((name, one, other), construct.files(value))


def trials_of_sizes():
    """Lists and maps of as many elements as are allowed, and one more."""
    task, workflow = CONSTRUCTS["task"], CONSTRUCTS["workflow"]
    for more in (0, 1):
        many = {f"n{i}": 1 for i in range(1000 + more)}
        yield Trial(("params", len(many)), workflow.files({**workflow.base, "params": many}))
        yield Trial(("triggers", len(many)), workflow.files(
            {**workflow.base, "triggers": [{"id": each, "every": "1h"} for each in many]}))
        yield Trial(("cases", len(many)), task.files(
            {"type": "switch", "on": "1", "cases": {each: [] for each in many}}))
        calendars = {each: {"also": "2026-12-24"} for each in many}
        yield Trial(("calendars", len(many)), ({**PROJECT, "calendars": calendars}, [workflow.base]))
        yield Trial(("checks", 100 + more), task.files({"run": "x", "checks": [{"command": "x"}] * (100 + more)}))
        elements = list(range(10000 + more))
        yield Trial(("for_each", len(elements)), task.files({"run": "x", "for_each": {"x": elements}}))
        yield Trial(("for_each of", len(elements)), task.files({"run": "x", "for_each": {"x": {"of": elements}}}))


def made_at_random(dice, name, depth=0):
    """A value of a construct with some of its keys, mostly of a kind that go together."""
    construct = CONSTRUCTS[name]
    value = dict(construct.base)
    keys = list(construct.samples)
    for key in dice.sample(keys, min(len(keys), dice.choice([0, 1, 1, 2, 3, 5]))):
        sample = dice.choice(construct.samples[key])
        if any(beside in value and value[beside] != construct.base.get(beside) for beside in sample.beside):
            continue
        value.update(sample.beside)
        value[key] = sample.value
        if (name, key) in NESTED and depth < 4 and dice.random() < 0.6:
            inner, put = NESTED[name, key]
            value[key] = put(made_at_random(dice, inner, depth + 1))
    return {key: copy.deepcopy(each) for key, each in value.items() if each is not GONE}


def places(value, path=()):
    yield path
    if isinstance(value, (dict, list)):
        for key, each in (value.items() if isinstance(value, dict) else enumerate(value)):
            yield from places(each, (*path, key))


def broken(dice, value):
    """The same with something else in one place, or one key less or more."""
    path = dice.choice(list(places(value)))
    if not path:
        return value
    at = value
    for key in path[:-1]:
        at = at[key]
    how = dice.random()
    if how < 0.5:
        at[path[-1]] = copy.deepcopy(dice.choice(ODD))
    elif how < 0.7:
        del at[path[-1]]
    elif isinstance(at, dict):
        name = dice.choice([*NAMES, "workflow", "run", "needs", "unknwon"])
        at[name] = at.pop(path[-1]) if how < 0.85 else copy.deepcopy(dice.choice(ODD))
    return value


def trials_at_random(seed, count):
    for number in range(count):
        dice = random.Random(f"{seed}/{number}")
        name = dice.choice(["workflow", "workflow", "workflow", "project", *CONSTRUCTS])
        project, documents = copy.deepcopy(CONSTRUCTS[name].files(made_at_random(dice, name)))
        for _ in range(dice.choice([0, 0, 1, 1, 2])):
            whole = broken(dice, {"project": project, "documents": documents})
            project, documents = whole.get("project", {}), whole.get("documents")
            if not isinstance(documents, list) or not documents:
                documents = [documents]
        yield Trial((f"file {number}",), (project, documents), dice)


def judge(reader, schemas, trials):
    """Asks the loader for all of them at once, and the schemas meanwhile."""
    lines = [json.dumps(trial.texts(), ensure_ascii=False) for trial in trials]
    with subprocess.Popen([reader], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as loader:
        feed = threading.Thread(target=lambda: (loader.stdin.write("\n".join(lines) + "\n"), loader.stdin.close()))
        feed.start()
        for trial, answer in zip(trials, loader.stdout):
            trial.errors = json.loads(answer)
            trial.schema = schemas.take(trial.project, trial.documents)
        feed.join()
    if loader.returncode != 0:
        raise SystemExit(f"the reader ended with {loader.returncode}")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("reader")
    options.add_argument("--seed", type=int, default=time.time_ns() % 10 ** 9)
    options.add_argument("--files", type=int, default=1500, help="files put together at random")
    asked = options.parse_args()
    print(f"seed {asked.seed}: repeat with --seed {asked.seed}")
    schemas, exceptions, wrong = Schemas(), Exceptions(), []

    tables = json.loads(subprocess.run([asked.reader, "--keys"], capture_output=True, check=True).stdout)
    for name, keys in tables.items():
        if name not in CONSTRUCTS or sorted(CONSTRUCTS[name].samples) != sorted(keys):
            wrong.append(f"schema_grammar.py has other keys of `{name}` than the loader: "
                         f"{sorted(set(keys) ^ set(CONSTRUCTS[name].samples if name in CONSTRUCTS else ()))}")

    whole = [Trial(("together", number), files) for number, files in enumerate(together())]
    trials = [*whole, *trials_of_keys(schemas), *trials_of_pairs(), *trials_of_sizes(),
              *trials_at_random(asked.seed, asked.files)]
    judge(asked.reader, schemas, trials)

    accepted, refused = set(), set()
    for trial in trials:
        uncovered = [message for message in trial.errors if not exceptions.cover(message)] if trial.schema else []
        if trial.schema and uncovered:
            wrong.append(f"{trial.what}: the schema takes it, the loader says: {'; '.join(uncovered)}")
        elif not trial.schema and not trial.errors:
            wrong.append(f"{trial.what}: the schema refuses what the loader takes")
        elif trial.what[0] in CONSTRUCTS and trial.schema == (not trial.errors):
            (accepted if trial.schema else refused).add(trial.what[:2])
    for name, construct in CONSTRUCTS.items():
        for key in construct.samples:
            for seen, word in ((accepted, "accepted"), (refused, "refused")):
                if (name, key) not in seen:
                    wrong.append(f"`{key}` of `{name}` was never {word} by both")
    for number, line in enumerate(exceptions.lines):
        if number not in exceptions.met:
            wrong.append(f"schema.md lists what no file met: {line}")

    taken = sum(1 for trial in trials if trial.schema and not trial.errors)
    print(f"{len(trials)} sets of files, {taken} of them taken by both")
    for line in wrong:
        print(line[:600], file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
