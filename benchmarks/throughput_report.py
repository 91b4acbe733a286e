"""What the throughput benchmark tells: speeds, ratios, memory, model calls and exactness."""

from dataclasses import dataclass, field

from benchmarks.live_agreement import TOLERANCE, LiveAgreement
from benchmarks.throughput_phases import Phase

TITLES = {
    "plain": "plain program",
    "cold": "engine, empty store, float32",
    "bfloat16": "engine, empty store, bfloat16 inference",
    "warm": "engine, full store, one core",
    "sweep": "sweep of 20 thresholds, empty store, 2 processes",
}


@dataclass
class Measured:
    """What was measured.

    Attributes:
        devices: in the workload.
        parameters: of the LLM and the SRM.
        load: average of the machine in the minute before.
        phases: what each phase took, by name.
        agreement: of live model calls with the store; None where nothing was compared.
        plain_per_s: interactions a second of the plain program, by torch's threads.
    """

    devices: int
    parameters: tuple[int, int]
    load: float = 0.0
    phases: dict[str, Phase] = field(default_factory=dict)
    agreement: LiveAgreement | None = None
    plain_per_s: dict[str, float] = field(default_factory=dict)

    def add_plain(self, threads: int | None, phase: Phase) -> None:
        """Take the plain program down; the faster of several counts."""
        name = (
            "torch's own number of threads" if threads is None else f"{threads} of torch's threads"
        )
        self.plain_per_s[name] = phase.per_s
        if phase.per_s >= max(self.plain_per_s.values()):
            self.phases["plain"] = phase


def lines(measured: Measured) -> list[str]:
    """Return the section of the results: Markdown."""
    return [
        *_workload_lines(measured),
        "",
        *_speed_lines(measured),
        "",
        *_call_lines(measured),
        *_agreement_lines(measured.agreement),
    ]


def _workload_lines(measured: Measured) -> list[str]:
    llm, srm = measured.parameters
    told = [
        f"{measured.devices:,} devices that replay 2,000 users, 12,000 items, windows of 20 steps "
        f"after 50 interactions of history; SASRec (d = 64, 2 layers, {srm / 1e6:.2f} million "
        f"parameters) and a causal LM (d = 256, 8 layers, {llm / 1e6:.2f} million); lists of 50, "
        "3G, stale serving, fusion 3. The models are trained for one epoch, which changes no "
        "speed.",
    ]
    told_by_threads = measured.plain_per_s.items()
    if plain := measured.phases.get("plain"):
        told.append(
            f"The plain program lived through {plain.interactions:,} interactions of "
            f"{plain.interactions // 20:,} devices: "
            + ", ".join(f"{per_s:,.0f} a second with {name}" for name, per_s in told_by_threads)
            + "."
        )
    told.append(f"The machine's load average in the minute before was {measured.load:.1f}.")
    if "cold" in measured.phases and "bfloat16" not in measured.phases:
        told.append("bfloat16: not measured, or this processor has no instructions for it.")
    return told


def _speed_lines(measured: Measured) -> list[str]:
    plain = measured.phases.get("plain")
    head = ("", "interactions/s", "to plain", "wall s", "events/s", "peak MiB", "requests")
    rows = [
        (
            TITLES[name],
            f"{phase.per_s:,.0f}",
            f"{phase.per_s / plain.per_s:,.1f}" if plain else "",
            f"{phase.wall_s:.2f}",
            f"{phase.events / phase.wall_s:,.0f}",
            f"{phase.peak_mb:,.0f}",
            f"{phase.request_frequency:.1%}",
        )
        for name, phase in measured.phases.items()
    ]
    table = [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows)]
    return [*table, "", *_part_lines(measured)]


def _part_lines(measured: Measured) -> list[str]:
    """Return what the wall time of runs consists of."""
    told = [
        "Interactions, events and requests are the run's own; runs also simulate the worlds that "
        "they are compared with (never and always asking), whose time is in wall s. Of runs that "
        "leaves out training, imports and the report; the sweep counts everything, the start of "
        "its processes and all reports too; of the plain program its loop alone counts. The plain "
        "program computes in float32 as torch does by itself; the engine's float32 products are "
        "oneDNN's.",
    ]
    for name, phase in measured.phases.items():
        if phase.parts_s:
            parts = ", ".join(f"{part} {seconds:.2f}" for part, seconds in phase.parts_s.items())
            every = phase.all_interactions / phase.wall_s
            told.append(f"- {TITLES[name]}: {parts} s; {every:,.0f} interactions/s of all worlds")
    return told


def _call_lines(measured: Measured) -> list[str]:
    head = ("model calls", "LLM passes", "LLM positions", "SRM passes", "SRM positions")
    rows = [
        (
            TITLES[name],
            *(f"{n:,}" for of in (phase.llm, phase.srm) for n in (of.calls, of.positions)),
        )
        for name, phase in measured.phases.items()
    ]
    return [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows)]


def _agreement_lines(found: LiveAgreement | None) -> list[str]:
    if found is None:
        return []
    return [
        "",
        f"Exactness of the store against the plain program's live calls (tolerance {TOLERANCE:g}):",
        f"- {found.cells - found.differing_cells:,} of {found.cells:,} scored lists have the "
        f"store's consistency and rank; {found.differing_cells:,} differ, of which "
        f"{found.unexplained_cells:,} without a near-tie",
        f"- {found.lists - found.differing_lists:,} of {found.lists:,} generated lists have the "
        f"store's order; {found.differing_lists:,} differ, of which {found.unexplained_lists:,} by "
        f"more than near-ties; scores differ by {found.largest_score_difference:.1e} at most",
        f"- decisions, requests and their times of {found.interactions:,} interactions: "
        + ("bit for bit those of the engine" if found.same_events else "not those of the engine"),
    ]
