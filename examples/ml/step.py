"""What the steps share: where a run keeps its files, and how a step hands values on."""
import csv
import json
import os
import pickle
from pathlib import Path

import numpy


def workspace(name):
    """Returns the path of a file in the folder that all tasks of the run share."""
    return Path(os.environ["PINION_WORKSPACE"]) / name


def output(**values):
    """Hands values to the tasks downstream, and to people who look at the run."""
    with open(os.environ["PINION_OUTPUT"], "a", encoding="utf-8") as out:
        out.write(json.dumps(values) + "\n")
    print(", ".join(f"{name}: {value}" for name, value in values.items()))


def inputs(task):
    """Returns the outputs of an upstream task; of a fan-out, a map from index to outputs."""
    return json.loads(Path(os.environ["PINION_INPUTS"]).read_text(encoding="utf-8"))[task]


def load_table(path):
    """Returns features and labels (1: benign) of a table with a header line and the label last."""
    with open(path, encoding="utf-8", newline="") as source:
        rows = list(csv.reader(source))[1:]
    table = numpy.array(rows, dtype=float)
    return table[:, :-1], table[:, -1].astype(int)


def save_table(path, features, labels):
    """The inverse of `load_table`."""
    columns = [f"feature{i}" for i in range(features.shape[1])] + ["benign"]
    with open(path, "w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(columns)
        writer.writerows([*row, label] for row, label in zip(features.tolist(), labels.tolist()))


def save_model(name, model):
    """Stores a fitted model in the workspace and hands its path and name on."""
    path = workspace(f"{name}.model")
    path.write_bytes(pickle.dumps(model))
    output(model=str(path), name=name)


def load_model(path):
    return pickle.loads(Path(path).read_bytes())
