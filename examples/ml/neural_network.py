"""Trains a small neural network. It ends with 75 (try again) when it did not converge.

Each further attempt may take as many iterations more as the first one had.
"""
import argparse
import os
import sys
import warnings

import step
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

options = argparse.ArgumentParser()
options.add_argument("--train", required=True)
options.add_argument("--iterations", type=int, required=True)
options.add_argument("--seed", type=int, required=True)
wanted = options.parse_args()

iterations = wanted.iterations * int(os.environ["PINION_ATTEMPT"])
features, labels = step.load_table(wanted.train)
network = MLPClassifier(hidden_layer_sizes=(16,), max_iter=iterations, random_state=wanted.seed)
model = make_pipeline(StandardScaler(), network)
with warnings.catch_warnings():
    warnings.simplefilter("error", ConvergenceWarning)
    try:
        model.fit(features, labels)
    except ConvergenceWarning:
        print(f"not converged after {iterations} iterations", file=sys.stderr)
        sys.exit(75)
print(f"converged after {network.n_iter_} iterations")
step.save_model("neural_network", model)
