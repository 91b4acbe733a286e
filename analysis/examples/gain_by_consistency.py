"""Say what a fresh list would have brought, by tenths of the consistency of the list held.

python -m analysis.examples.gain_by_consistency RUN
"""

import sys

import pandas as pd

from analysis import frames

(run,) = sys.argv[1:]
decisions = frames.gains(run)
tenth = pd.qcut(decisions["consistency"], 10, duplicates="drop")
print(decisions.groupby(tenth, observed=True)["gain"].agg(["count", "mean"]))
# Is it consistency, or who the user is? Compare each decision with the user's others.
own = decisions[["consistency", "gain"]] - decisions.groupby("user")[
    ["consistency", "gain"]
].transform("mean")
slope = (own["consistency"] * own["gain"]).sum() / (own["consistency"] ** 2).sum()
print(f"within users, 0.1 less consistency: {-0.1 * slope:+.4f} NDCG@10")
