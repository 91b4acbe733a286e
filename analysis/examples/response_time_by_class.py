"""Say how long requests took on each class of phones, and where the time went.

python -m analysis.examples.response_time_by_class RUN
"""

import sys

from analysis import frames

(run,) = sys.argv[1:]
responses = frames.responses(run)
kind = responses["class"].astype(str).where(responses["class"].notna(), "all phones")
by_class = responses.groupby(kind)
table = by_class["response_s"].describe(percentiles=[0.5, 0.95])[["count", "50%", "95%"]]
table[["network_s", "cloud_s"]] = by_class[["network_s", "cloud_s"]].mean()
print(table.round(3))
