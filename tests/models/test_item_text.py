import numpy as np
from small_log import log_of
from small_p5 import corpus_of, some_prefixes

from models.corpus import Corpus
from models.item_text import ItemText, fresh_tokenizer, item_numbers
from models.prefixes import Prefixes
from workloads.splits import split
from workloads.workload_settings import WorkloadSettings


def test_items_are_numbered_as_they_first_appear_in_training() -> None:
    log = log_of([[5, 2, 7, 1, 0, 3], [2, 9, 5, 8, 4, 6]], 12)
    steps = WorkloadSettings(replay_steps=2, calibration_steps=1, min_history=3)
    # Trained on: 5 2 7 and 2 9 5; the others follow by id.
    numbers = item_numbers(Corpus(log, split(log, steps), 4))
    assert numbers[[5, 2, 7, 9]].tolist() == [10, 11, 12, 13]
    assert numbers[[0, 1, 3, 4, 6, 8, 10, 11]].tolist() == list(range(14, 22))


def test_numbers_have_equally_many_digits_and_neighbours_share_the_first() -> None:
    numbers = item_numbers(corpus_of(items=901))
    assert len({len(str(number)) for number in numbers}) == 1
    assert sorted(numbers) == list(range(1000, 1901))
    tokenizer = fresh_tokenizer()
    assert tokenizer.tokenize("item_1042 item_1043") == ["item_10", "42", "item_10", "43"]


def test_whole_word_indices_by_hand() -> None:
    log = log_of([[0]] * 123 + [[4, 1, 2, 3]], 900)
    tokenizer = fresh_tokenizer()
    text = ItemText(tokenizer, np.arange(900) + 1000, log.users, prompt_items=2)
    prefixes = Prefixes(np.array([123, 123]), np.array([0, 0]), np.array([4, 1]))
    prompts = text.prompts(log, prefixes)
    spoken = [tokenizer.convert_ids_to_tokens(row) for row in prompts.token]
    assert spoken[0] == [
        *("user_12", "3", "has", "taken", "item_10", "02", "item_10", "03"),
        *("and", "takes", "next", "</s>"),
    ]
    assert prompts.word[0].tolist() == [1, 1, 2, 3, 4, 4, 5, 5, 6, 7, 8, 0]
    assert prompts.word[1].tolist() == [1, 1, 2, 3, 4, 4, 5, 6, 7, 0, 0, 0]
    assert prompts.real[1].tolist() == [True] * 10 + [False] * 2
    assert spoken[1][10:] == ["<pad>"] * 2
    assert prompts.word.max() < text.words


def test_prompts_are_what_the_tokenizer_makes_of_the_sentence(p5_corpus: Corpus) -> None:
    text = ItemText(fresh_tokenizer(), item_numbers(p5_corpus), p5_corpus.log.users, 4)
    numbers = item_numbers(p5_corpus)
    prefixes = some_prefixes()
    prompts = text.prompts(p5_corpus.log, prefixes)
    for i, (user, stop) in enumerate(zip(prefixes.user, prefixes.stop, strict=True)):
        newest = p5_corpus.log.history(user)[max(prefixes.start[i], stop - 4) : stop]
        items = " ".join(f"item_{numbers[item]}" for item in newest)
        sentence = f"user_{user} has taken {items} and takes next"
        assert prompts.token[i][prompts.real[i]].tolist() == text.tokenizer(sentence)["input_ids"]
