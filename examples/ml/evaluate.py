"""Compares the models by what they said of the test cases, and names the best one."""
import argparse
import csv

import step
from sklearn.metrics import accuracy_score, roc_auc_score

options = argparse.ArgumentParser()
options.add_argument("--predictions", required=True)
wanted = options.parse_args()

with open(wanted.predictions, encoding="utf-8", newline="") as source:
    rows = list(csv.DictReader(source))
truth = [int(row["benign"]) for row in rows]
metrics = {}
for name in rows[0]:
    if name == "benign":
        continue
    probability = [float(row[name]) for row in rows]
    metrics[name] = {
        "accuracy": round(float(accuracy_score(truth, [p >= 0.5 for p in probability])), 4),
        "auc": round(float(roc_auc_score(truth, probability)), 4),
    }
best = max(sorted(metrics), key=lambda name: (metrics[name]["auc"], metrics[name]["accuracy"]))
step.output(best=best, auc=metrics[best]["auc"], path=str(step.workspace(f"{best}.model")),
            metrics=metrics)
