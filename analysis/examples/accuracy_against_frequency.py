"""Plot a sweep's accuracy against request frequency, a line a policy.

python -m analysis.examples.accuracy_against_frequency SWEEP FIGURE
"""

import sys

from matplotlib.figure import Figure

from analysis import frames

sweep, target = sys.argv[1:]
settings = frames.settings(sweep)
figure = Figure(layout="constrained")
axes = figure.subplots()
for (facet, series), line in settings.groupby(["facet", "series"]):
    line = line.sort_values("request_frequency")
    name = ", ".join(part for part in (str(series), str(facet)) if part)
    axes.plot(line["request_frequency"], line["accuracy"], marker="o", label=name)
    axes.fill_between(line["request_frequency"], line["low"], line["high"], alpha=0.2)
axes.set_xlabel("requests / interactions")
axes.set_ylabel("NDCG@10")
axes.legend()
figure.savefig(target)
print(settings[["series", "facet", "request_frequency", "accuracy", "low", "high"]])
