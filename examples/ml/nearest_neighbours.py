"""Trains a nearest-neighbours classifier, which cannot fail to converge."""
import argparse

import step
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

options = argparse.ArgumentParser()
options.add_argument("--train", required=True)
wanted = options.parse_args()

features, labels = step.load_table(wanted.train)
model = make_pipeline(StandardScaler(), KNeighborsClassifier(n_neighbors=9))
step.save_model("nearest_neighbours", model.fit(features, labels))
