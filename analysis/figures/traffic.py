"""What crossed the links: contents, headers, and what was sent again."""

import pandas as pd

from analysis import theme
from analysis.drawing import Drawing, canvas
from analysis.numerals import count, percent, scaled
from analysis.records import RunRecords

WAYS = {"up": "to the cloud", "down": "to the devices"}
#: Part -> (name, colour's role, hatch for grey printing).
LOOKS = {
    "contents_bytes": ("contents", "blue", ""),
    "headers_bytes": ("headers", "sky", "---"),
    "sent_again_bytes": ("sent again", "orange", "///"),
}


def draw(records: RunRecords) -> Drawing | None:
    """Draw the bytes on the links each way, by what they were; None where none were sent."""
    traffic = records.summary.get("traffic")
    if not traffic or not sum(traffic[way]["sent_bytes"] for way in WAYS):
        return None
    table = _table(records)
    with canvas(2.1) as (figure, (axes,)):
        left = pd.Series(0.0, index=table.index)
        rows = list(range(len(table)))[::-1]
        for name, (words, role, hatch) in LOOKS.items():
            if not table[name].sum():
                continue
            axes.barh(
                rows,
                table[name] / 1e6,
                left=left / 1e6,
                height=0.6,
                facecolor=theme.colour(role),
                edgecolor=theme.colour("paper"),
                hatch=hatch,
                linewidth=0,
                label=words,
            )
            left = left + table[name]
        for row, total in zip(rows, table["sent_bytes"], strict=True):
            axes.annotate(
                scaled(total, "B"),
                (total / 1e6, row),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
            )
        axes.set_yticks(rows, table["way"], color=theme.colour("ink"))
        axes.grid(axis="y", visible=False)
        axes.set_xlim(0, 1.25 * table["sent_bytes"].max() / 1e6)
        axes.set_xlabel("megabytes sent by all devices and the cloud")
        figure.legend(
            loc="outside upper left", ncols=3, frameon=False, handlelength=1.4, columnspacing=1.2
        )
    total = table["sent_bytes"].sum()
    overhead = table["headers_bytes"].sum() / total
    return Drawing(
        "traffic",
        "Traffic",
        figure,
        table,
        f"{scaled(total, 'B')} crossed the links for {count(len(records.requests))} requests; "
        f"{percent(overhead)} of it headers of packets.{_losses(table)}",
        "Bars of bytes: "
        + ", ".join(
            f"{way} {scaled(sent, 'B')}"
            for way, sent in zip(table["way"], table["sent_bytes"], strict=True)
        )
        + ".",
    )


def _table(records: RunRecords) -> pd.DataFrame:
    rows = []
    for way, words in WAYS.items():
        flow, contents = records.summary["traffic"][way], records.summary["bytes"][way]
        again = flow["retransmitted_bytes"]
        rows.append(
            {
                "way": words,
                "sent_bytes": flow["sent_bytes"],
                "contents_bytes": contents,
                "headers_bytes": flow["sent_bytes"] - again - contents,
                "sent_again_bytes": again,
                "received_bytes": flow["received_bytes"],
                "lost_bytes": flow["lost_bytes"],
                "in_flight_bytes": flow["in_flight_bytes"],
            }
        )
    return pd.DataFrame(rows)


def _losses(table: pd.DataFrame) -> str:
    lost, in_flight = table["lost_bytes"].sum(), table["in_flight_bytes"].sum()
    text = ""
    if lost:
        text += f" {scaled(lost, 'B')} were lost on the way."
    if in_flight:
        text += f" {scaled(in_flight, 'B')} were still under way at the end."
    return text
