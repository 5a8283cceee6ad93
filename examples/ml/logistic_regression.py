"""Trains a logistic regression over scaled measurements."""
import argparse

import step
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

options = argparse.ArgumentParser()
options.add_argument("--train", required=True)
wanted = options.parse_args()

features, labels = step.load_table(wanted.train)
model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
step.save_model("logistic_regression", model.fit(features, labels))
