"""Colours, markers and dashes: the same policy looks the same in every figure of every report."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

#: Role -> (colour on light paper, colour on dark paper). Figures are drawn in the light colours,
#: each used for one role only, so that an SVG's colours can be exchanged for CSS variables. The
#: hues are Okabe and Ito, "Color universal design" (2008); on dark paper they are lightened.
COLOURS: dict[str, tuple[str, str]] = {
    "ink": ("#1b1f24", "#e6e9ed"),
    "muted": ("#59636e", "#a2acb8"),
    "faint": ("#dce1e6", "#343c46"),
    "paper": ("#ffffff", "#14181d"),
    "blue": ("#0072b2", "#5db0ea"),
    "vermillion": ("#d55e00", "#f58a45"),
    "green": ("#009e73", "#33c79c"),
    "purple": ("#cc79a7", "#e2a3c6"),
    "orange": ("#e69f00", "#f3bd4b"),
    "sky": ("#56b4e9", "#8ccdf4"),
    "grey": ("#7d8792", "#98a3af"),
    "yellow": ("#d9c400", "#f0e442"),
}


def colour(role: str) -> str:
    """Return the colour in which a role is drawn (that of light paper)."""
    return COLOURS[role][0]


@dataclass(frozen=True)
class Style:
    """How a series looks: a colour's role, and a marker and dashes that survive grey printing.

    Attributes:
        role: a key of `COLOURS`.
        marker: a matplotlib marker.
        dash: a matplotlib line style.
        filled: whether markers are filled.
    """

    role: str
    marker: str
    dash: str | tuple[int, tuple[int, ...]]
    filled: bool = True


POLICIES = {
    "never": Style("green", "v", (0, (1, 2))),
    "always": Style("vermillion", "^", (0, (6, 2))),
    "consistency": Style("blue", "D", "-"),
    "consistency_drop": Style("purple", "P", (0, (8, 2, 2, 2))),
    "random": Style("sky", "o", (0, (4, 2))),
    "periodic": Style("orange", "s", (0, (2, 2))),
    "age_and_consistency": Style("vermillion", "p", (0, (9, 2))),
    "learned": Style("green", "X", (0, (5, 1, 1, 1))),
    "staleness": Style("yellow", "h", (0, (3, 1, 1, 1))),
    "uncertainty": Style("grey", "*", (0, (7, 3))),
    "hindsight": Style("ink", "", (0, (3, 2))),
}

#: Markers and dashes of further series of one kind, which share its colour.
VARIANTS: tuple[tuple[str, str | tuple[int, tuple[int, ...]]], ...] = (
    ("<", (0, (5, 2))),
    (">", (0, (2, 1))),
    ("d", (0, (6, 1, 1, 1, 1, 1))),
    ("8", (0, (1, 1))),
    ("P", (0, (9, 3))),
)

#: For policies that have no look of their own yet, in alphabetical order of their kinds.
FURTHER = (
    Style("yellow", "X", (0, (5, 1))),
    Style("ink", "h", (0, (3, 1, 1, 1))),
    Style("grey", "*", (0, (7, 3))),
    Style("muted", "<", (0, (1, 1))),
)

REFERENCES = {
    "popularity": Style("grey", "x", (0, (1, 3))),
    "srm_full": Style("ink", "s", (0, (5, 2, 1, 2))),
    "llm_full": Style("muted", "s", (0, (3, 3)), filled=False),
    "srm_only": Style("ink", "o", (0, (2, 3)), filled=False),
    "llm_only": Style("muted", "o", (0, (2, 5)), filled=False),
    "always_ideal": Style("vermillion", "^", (0, (6, 2, 1, 2)), filled=False),
}

#: Settings of an ablation that stand side by side, in their order.
SETTINGS = (
    Style("blue", "o", "-"),
    Style("vermillion", "^", (0, (6, 2))),
    Style("green", "s", (0, (4, 2))),
    Style("orange", "D", (0, (2, 2))),
    Style("purple", "v", (0, (8, 2, 2, 2))),
    Style("sky", "P", (0, (1, 2))),
    Style("ink", "X", (0, (3, 1, 1, 1))),
    Style("grey", "h", (0, (7, 3))),
)

SERIES_LABELS = {
    "run": "this run",
    "popularity": "popularity",
    "srm_full": "SRM alone",
    "llm_full": "LLM alone",
    "srm_only": "lists in SRM order",
    "llm_only": "lists in LLM order",
    "never": "never ask",
    "always": "always ask",
    "always_ideal": "always, no delay",
}


def style_of_policy(kind: str, all_kinds: Iterable[str] = ()) -> Style:
    """Return the look of a policy; `all_kinds` are the kinds shown beside it."""
    if kind in POLICIES:
        return POLICIES[kind]
    unknown = sorted({*all_kinds, kind} - set(POLICIES))
    return FURTHER[unknown.index(kind) % len(FURTHER)]


def styles_of_policies(kinds: Mapping[str, str]) -> dict[str, Style]:
    """Return the look of each series: its kind's colour, markers and dashes of its own.

    Args:
        kinds: the kind of each series' policy.
    """
    styles = {}
    for kind in sorted(set(kinds.values())):
        base = style_of_policy(kind, kinds.values())
        named = kind.replace("_", " ")
        same = (series for series, each in kinds.items() if each == kind)
        first, *further = sorted(same, key=lambda series: (series != named, series))
        styles[first] = base
        for position, series in enumerate(further):
            marker, dash = VARIANTS[position % len(VARIANTS)]
            styles[series] = replace(base, marker=marker, dash=dash)
    return styles


def style_of_setting(position: int) -> Style:
    """Return the look of the setting at a position among those shown together."""
    return SETTINGS[position % len(SETTINGS)]


def style_of_series(series: str, policy_kind: str) -> Style:
    """Return the look of a series; the run itself looks like its policy."""
    if series == "run":
        return style_of_policy(policy_kind)
    return REFERENCES[series] if series in REFERENCES else style_of_policy(series)


def css_variables() -> tuple[str, str]:
    """Return the CSS declarations of all colours, for light and for dark paper."""
    light = " ".join(f"--{role}: {pair[0]};" for role, pair in COLOURS.items())
    dark = " ".join(f"--{role}: {pair[1]};" for role, pair in COLOURS.items())
    return light, dark
