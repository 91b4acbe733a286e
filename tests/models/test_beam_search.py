from dataclasses import replace

import numpy as np
import pytest
import torch
from interrupting import Interrupting
from small_p5 import PLAN, SETTINGS, corpus_of, exhaustive, some_prefixes, source

from models.beam_search import BeamSearch
from models.corpus import Corpus
from models.numerics import computing
from models.popularity import popularity_order
from models.whole_word_t5 import WholeWordT5


@pytest.mark.parametrize("exclude_seen", [True, False])
def test_constrained_lists_are_full_of_different_unseen_items(
    p5_model: WholeWordT5, p5_corpus: Corpus, exclude_seen: bool
) -> None:
    prefixes = some_prefixes()
    found = source(p5_model, p5_corpus, beams=6, exclude_seen=exclude_seen).lists(prefixes, 6)
    assert not found.invalid.any()
    scores = exhaustive(p5_model, p5_corpus, prefixes)
    for i, (user, stop) in enumerate(zip(prefixes.user, prefixes.stop, strict=True)):
        assert len(set(found.item[i])) == 6
        if exclude_seen:
            assert not set(found.item[i]) & set(p5_corpus.log.history(user)[:stop])
        torch.testing.assert_close(
            torch.from_numpy(found.score[i]), scores[i, found.item[i]], rtol=0, atol=1e-4
        )
        assert (np.diff(found.score[i]) <= 0).all()


@pytest.mark.parametrize("items", [30, 130], ids=["one token", "two tokens"])
def test_enough_beams_are_exhaustive_scoring(items: int) -> None:
    corpus = corpus_of(items)
    with computing(PLAN, 7):
        model = SETTINGS.build(corpus).eval()
    prefixes = some_prefixes()
    count = items - 8
    beams = source(model, corpus, beams=items)
    found = beams.lists(prefixes, count)
    scores = exhaustive(model, corpus, prefixes)
    for i, (user, stop) in enumerate(zip(prefixes.user, prefixes.stop, strict=True)):
        scores[i, corpus.log.history(user)[:stop].astype(np.int64)] = -torch.inf
    best, order = scores.sort(dim=1, descending=True, stable=True)
    assert np.array_equal(found.item, order[:, :count].numpy())
    torch.testing.assert_close(torch.from_numpy(found.score), best[:, :count], rtol=0, atol=1e-4)
    taken = order[:, 3].numpy()
    assert beams.ranks(prefixes, taken).tolist() == [4] * len(prefixes)
    seen = corpus.log.items[corpus.log.offsets[prefixes.user]].astype(np.int64)
    assert beams.ranks(prefixes, seen).tolist() == [0] * len(prefixes)


def test_fewer_beams_than_the_tree_is_wide_find_the_best_of_a_trained_model(
    p5_model: WholeWordT5, p5_corpus: Corpus
) -> None:
    prefixes = some_prefixes()
    found = source(p5_model, p5_corpus, beams=20, exclude_seen=False).lists(prefixes, 1).item[:, 0]
    best = exhaustive(p5_model, p5_corpus, prefixes).argmax(dim=1)
    assert np.array_equal(found, best.numpy())


def test_unconstrained_beams_drop_count_and_fill_up(p5_corpus: Corpus) -> None:
    with computing(PLAN, 7):
        model = SETTINGS.build(p5_corpus).eval()  # untrained: writes mostly what is no item
    prefixes = some_prefixes()
    beams = source(model, p5_corpus, beams=6, constrained=False)
    found = beams.lists(prefixes, 6)
    assert found.invalid.shape == (len(prefixes),)
    assert (found.invalid >= 0).all()
    assert found.invalid.any()
    popular = popularity_order(p5_corpus.log, p5_corpus.split)
    for i, (user, stop) in enumerate(zip(prefixes.user, prefixes.stop, strict=True)):
        seen = set(p5_corpus.log.history(user)[:stop].tolist())
        assert len(set(found.item[i])) == 6
        assert not set(found.item[i].tolist()) & seen
        assert (np.diff(found.score[i]) <= 0).all()
        assert np.isfinite(found.score[i]).all()
        proposed = [
            item
            for item in found.item[i]
            if beams.ranks(prefixes.part(np.array([i])), np.array([item]))[0]
        ]
        assert proposed == found.item[i].tolist()[: len(proposed)]
        filling = [item for item in popular if item not in seen and item not in proposed]
        assert found.item[i].tolist()[len(proposed) :] == filling[: 6 - len(proposed)]
        assert found.invalid[i] <= 6 - len(proposed)


def test_unconstrained_beams_of_a_trained_model_are_mostly_items(
    p5_model: WholeWordT5, p5_corpus: Corpus
) -> None:
    prefixes = some_prefixes()
    free = source(p5_model, p5_corpus, constrained=False, exclude_seen=False).lists(prefixes, 6)
    bound = source(p5_model, p5_corpus, exclude_seen=False).lists(prefixes, 6)
    assert free.invalid.sum() < 3 * len(prefixes)
    assert len(np.unique(free.invalid)) > 1  # each list has its own count
    for i in range(len(prefixes)):
        alone = prefixes.part(np.array([i]))
        found = source(p5_model, p5_corpus, constrained=False, exclude_seen=False).lists(alone, 6)
        assert found.invalid.tolist() == free.invalid[i : i + 1].tolist()
    assert np.array_equal(free.item[:, 0], bound.item[:, 0])


def test_lists_and_ranks_search_once(
    p5_model: WholeWordT5, p5_corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = []
    generate = p5_model.t5.generate

    def counted(**arguments: object) -> object:
        searched.append(len(arguments["attention_mask"]))
        return generate(**arguments)

    monkeypatch.setattr(p5_model.t5, "generate", counted)
    beams, prefixes = source(p5_model, p5_corpus), some_prefixes()
    beams.ranks(prefixes.part(np.arange(5)), np.arange(5))
    told = Interrupting()
    lists = beams.lists(prefixes, 6, told)
    rank = beams.ranks(prefixes, lists.item[:, 2].astype(np.int64))
    assert rank.tolist() == [3] * len(prefixes)
    assert sum(searched) == len(prefixes)
    assert told.phases == [("Generate candidate lists", len(prefixes) - 5)]
    assert told.done == len(prefixes) - 5


def test_a_list_does_not_depend_on_what_else_is_asked(
    p5_model: WholeWordT5, p5_corpus: Corpus
) -> None:
    prefixes = some_prefixes()
    together = source(p5_model, p5_corpus).lists(prefixes, 6)
    for i in range(len(prefixes)):
        alone = source(p5_model, p5_corpus).lists(prefixes.part(np.array([i])), 6)
        assert np.array_equal(alone.item[0], together.item[i])
        np.testing.assert_allclose(alone.score[0], together.score[i], rtol=0, atol=1e-4)


def test_prompts_can_be_read_in_bfloat16(p5_model: WholeWordT5, p5_corpus: Corpus) -> None:
    prefixes, reduced = some_prefixes(), replace(PLAN, dtype="bfloat16")
    exact = source(p5_model, p5_corpus).lists(prefixes, 6)
    found = BeamSearch(p5_model, p5_corpus, reduced, True, 6, True).lists(prefixes, 6)
    assert not found.invalid.any()
    assert not np.array_equal(found.score, exact.score)
    np.testing.assert_allclose(found.score[:, 0], exact.score[:, 0], rtol=0.05)
