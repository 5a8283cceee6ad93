"""Trains gradient boosting with the depth that did best in the fan-out `tune`."""
import argparse

import step
from sklearn.ensemble import GradientBoostingClassifier

options = argparse.ArgumentParser()
options.add_argument("--train", required=True)
options.add_argument("--seed", type=int, required=True)
wanted = options.parse_args()

tried = step.inputs("tune").values()
best = max(tried, key=lambda outputs: (outputs["auc"], -outputs["depth"]))
features, labels = step.load_table(wanted.train)
model = GradientBoostingClassifier(
    max_depth=best["depth"], n_estimators=120, random_state=wanted.seed)
print(f"depth {best['depth']} did best of {len(tried)}")
step.save_model("gradient_boosting", model.fit(features, labels))
