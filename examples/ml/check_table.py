"""Data quality of the table: ends with 1 where it is not fit to train on."""
import argparse
import sys

import numpy
import step

options = argparse.ArgumentParser()
options.add_argument("--min-rows", type=int, default=1)
options.add_argument("--max-share", type=float, default=1.0, help="of the more frequent label")
wanted = options.parse_args()

features, labels = step.load_table(step.workspace("table.csv"))
share = numpy.bincount(labels).max() / len(labels)
faults = []
if len(labels) < wanted.min_rows:
    faults.append(f"{len(labels)} rows, wanted {wanted.min_rows}")
if not numpy.isfinite(features).all() or (features < 0).any():
    faults.append("a measurement is missing or negative")
if share > wanted.max_share:
    faults.append(f"one label has a share of {share:.3f}, wanted at most {wanted.max_share}")
print(f"checked {len(labels)} rows:", "; ".join(faults) or "fit to train on")
sys.exit(1 if faults else 0)
