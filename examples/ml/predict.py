"""Lets every model judge the test cases: one column of probabilities a model."""
import argparse
import csv
from pathlib import Path

import step

options = argparse.ArgumentParser()
options.add_argument("--test", required=True)
options.add_argument("models", nargs="+")
wanted = options.parse_args()

features, labels = step.load_table(wanted.test)
columns = {"benign": labels.tolist()}
for path in wanted.models:
    probability = step.load_model(path).predict_proba(features)[:, 1]
    columns[Path(path).stem] = [round(float(p), 6) for p in probability]
predictions = step.workspace("predictions.csv")
with open(predictions, "w", encoding="utf-8", newline="") as target:
    writer = csv.writer(target)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values()))
step.output(path=str(predictions), rows=len(labels), models=len(wanted.models))
