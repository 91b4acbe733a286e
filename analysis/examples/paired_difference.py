"""Say by how much a run exceeds another on the same users, and how many users it is better for.

python -m analysis.examples.paired_difference RUN RUN
"""

import sys

from scipy import stats

from analysis import frames

run, other = sys.argv[1:]
users = frames.difference_by_user(run, other)
test = stats.ttest_1samp(users["difference"], 0.0)
low, high = test.confidence_interval(0.95)
print(f"{len(users)} users, NDCG@10 per user: {users['mean'].mean():.4f}")
print(f"minus the other run: {users['difference'].mean():+.4f} [{low:+.4f}, {high:+.4f}]")
print(f"better for {(users['difference'] > 0).mean():.1%} of users, worse for ", end="")
print(f"{(users['difference'] < 0).mean():.1%}; p = {test.pvalue:.3g} (paired t-test)")
