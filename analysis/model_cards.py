"""Who knows what: the two models side by side, from their cards and the run's settings."""

from collections.abc import Callable, Mapping
from typing import Any

from analysis import swept_words, tables
from analysis.metrics import HEADLINE
from analysis.numerals import NOTHING, count, percent, scaled, significant, with_interval
from analysis.records import RunRecords
from analysis.tables import Table

Show = Callable[[Any], str]

#: What a row says, its key in a card, and how its value is written.
_ROWS: tuple[tuple[str, str, Show], ...] = (
    ("Parameters", "parameters", count),
    ("of these not embeddings", "non_embedding_parameters", count),
    ("Weights", "weights_bytes", lambda value: scaled(value, "B")),
    ("Work for one new interaction", "flops_per_step", lambda value: scaled(value, "FLOP")),
    ("Work for one list, from scratch", "request_flops", lambda value: scaled(value, "FLOP")),
    ("Tokens read for it", "prompt_tokens", count),
    ("Tokens written for it", "decode_tokens", count),
    ("Learnt from", "knowledge", lambda value: str(value)),
    ("Training interactions", "trained_interactions", count),
    ("of users", "trained_users", count),
    ("Latest of them", "trained_until", lambda v: "the log has no times" if v is None else str(v)),
    ("Features", "features", lambda value: str(value)),
    ("Epochs", "epochs", count),
    ("NDCG@10 on the calibration steps", "calibration_ndcg10", significant),
)

#: Rows that are about the model that is asked for lists.
_ABOUT_LISTS = ("request_flops", "prompt_tokens", "decode_tokens")


def side_by_side(run: RunRecords) -> Table:
    """Return the table of both models; rows that say nothing of either are left out."""
    cards = [run.manifest["models"][which] for which in ("srm", "llm")]
    rows: list[list[str]] = []
    for label, key, show in _ROWS:
        if not any(key in card for card in cards):
            continue
        srm, llm = (show(card.get(key)) if key in card else NOTHING for card in cards)
        if key in _ABOUT_LISTS:
            srm = NOTHING
        if key == "weights_bytes":
            srm = ", ".join([srm, *_format(run)])
        rows.append([label, srm or NOTHING, llm or NOTHING])
    rows += _of_settings(run)
    for metric in (HEADLINE, "hr@10"):
        label = f"{metric.upper()} alone, ranking the whole catalogue"
        means = (run.accuracies.mean(series, metric) for series in ("srm_full", "llm_full"))
        rows.append([label, *map(with_interval, means)])
    columns = ("", f"SRM: {cards[0]['kind']}", f"LLM: {cards[1]['kind']}")
    return tables.of_texts("The two models side by side", columns, rows)


def _format(run: RunRecords) -> list[str]:
    """Return the number format of the device's copy, where it is not that of training."""
    quantisation = _models(run).get("quantisation", "none")
    return [] if quantisation == "none" else [f"rounded to {quantisation}"]


def _of_settings(run: RunRecords) -> list[list[str]]:
    """Return rows on training together, along the run, and what lists are made of."""
    models, facts = _models(run), run.manifest["models"]
    rows = []
    strategy = models.get("training", {}).get("strategy")
    if strategy is not None:
        words = swept_words.of_value("models.training.strategy", _without_defaults(strategy))
        together = words != "independent"
        trained = f"{words}: on the LLM's lists" if together else "on the log by itself"
        rows.append(["Trained", trained, "on the log by itself"])
    adaptation = models.get("adaptation")
    if adaptation is not None and adaptation.get("kind") != "none":
        words = swept_words.of_value("models.adaptation", adaptation)
        rows.append(["Along the run", words, NOTHING])
    if models.get("fusion") == "learned" and "learned_fusion_weight" in facts:
        weight = significant(facts["learned_fusion_weight"])
        rows.append(["Weight in the learned fusion", weight, "1"])
    invalid = facts.get("invalid_candidate_share")
    if invalid:
        rows.append(["Candidates that were no items", NOTHING, percent(invalid)])
    return rows


def _without_defaults(strategy: Any) -> Any:
    """Return a resolved strategy's kind and what of it a reader must know."""
    if not isinstance(strategy, Mapping):
        return strategy
    told = ("kind", "lists", "loss") if strategy.get("kind") == "cooperative" else ("kind",)
    return {key: strategy[key] for key in told if key in strategy}


def _models(run: RunRecords) -> Mapping[str, Any]:
    models: Mapping[str, Any] = run.scenario.get("models", {})
    return models
