"""Splits the table into training and test cases with equal shares of the labels."""
import argparse

import step
from sklearn.model_selection import train_test_split

options = argparse.ArgumentParser()
options.add_argument("--table", required=True)
options.add_argument("--test-share", type=float, required=True)
options.add_argument("--seed", type=int, required=True)
wanted = options.parse_args()

features, labels = step.load_table(wanted.table)
train_x, test_x, train_y, test_y = train_test_split(
    features, labels, test_size=wanted.test_share, random_state=wanted.seed, stratify=labels)
train, test = step.workspace("train.csv"), step.workspace("test.csv")
step.save_table(train, train_x, train_y)
step.save_table(test, test_x, test_y)
step.output(train=str(train), test=str(test), train_rows=len(train_y), test_rows=len(test_y))
