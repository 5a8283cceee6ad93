"""How well gradient boosting does with one depth of trees: one element of the fan-out."""
import argparse

import step
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.model_selection import cross_val_score

options = argparse.ArgumentParser()
options.add_argument("--train", required=True)
options.add_argument("--depth", type=int, required=True)
options.add_argument("--seed", type=int, required=True)
wanted = options.parse_args()

features, labels = step.load_table(wanted.train)
model = GradientBoostingClassifier(max_depth=wanted.depth, n_estimators=80, random_state=wanted.seed)
auc = cross_val_score(model, features, labels, cv=3, scoring="roc_auc").mean()
step.output(depth=wanted.depth, auc=round(float(auc), 5))
