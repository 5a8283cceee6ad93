"""Deploys a model: a numbered copy in the store, then `current.model` pointed to it in one step.

The copy is named after the run, so that deploying again changes nothing.
"""
import argparse
import os
import shutil
from pathlib import Path

import step

options = argparse.ArgumentParser()
options.add_argument("--model", required=True)
options.add_argument("--auc", type=float, required=True)
options.add_argument("--store", required=True)
wanted = options.parse_args()

store = Path(wanted.store).resolve()
store.mkdir(parents=True, exist_ok=True)
model = Path(wanted.model)
copy = store / f"{os.environ['PINION_RUN']}-{model.name}"
fresh = store / f".{copy.name}.new"
shutil.copyfile(model, fresh)
os.replace(fresh, copy)
link = store / f".current.{os.environ['PINION_RUN']}"
link.unlink(missing_ok=True)
link.symlink_to(copy.name)
os.replace(link, store / "current.model")
step.output(deployed=model.stem, path=str(copy), auc=wanted.auc)
