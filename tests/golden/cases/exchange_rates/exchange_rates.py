# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# Rates of the day, from the bank's service.

# %% tags=["parameters"]
base: str = "EUR"
day = None

# %%
"""Fetch rates and keep them."""
from __future__ import annotations

import json
import os

import requests

# %%
TOKEN = os.environ["RATES_TOKEN"]


def fetch(base: str, day: str | None) -> dict[str, float]:
    answer = requests.get(
        f"https://rates.example.com/{base}",
        params={"day": day} if day else {},
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=30,
    )
    answer.raise_for_status()
    return answer.json()["rates"]


# %%
rates = fetch(base, day)
with open("rates.json", "w", encoding="utf-8") as file:
    json.dump(rates, file)
rates
