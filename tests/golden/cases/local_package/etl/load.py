import csv

import pandas as pd


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return pd.DataFrame(csv.DictReader(file))
