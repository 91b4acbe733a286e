"""What crossed the links: contents, headers, and what was sent again."""

import pandas as pd

from analysis import stacks
from analysis.drawing import Drawing, canvas
from analysis.numerals import count, percent, scaled
from analysis.records import RunRecords
from analysis.stacks import Part

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
        parts = [
            Part(words, table[name].to_numpy() / 1e6, role, hatch)
            for name, (words, role, hatch) in LOOKS.items()
            if table[name].sum()
        ]
        sent_mb = stacks.bars(axes, parts)
        told = [scaled(sent, "B") for sent in table["sent_bytes"]]
        stacks.name_bars(axes, list(table["way"]), sent_mb, told, room=1.25)
        axes.set_xlabel("megabytes sent by all devices and the cloud")
        stacks.key(figure, axes, columns=3)
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
