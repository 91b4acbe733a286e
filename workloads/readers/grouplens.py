"""MovieLens 100K and 1M in the layout in which GroupLens publishes them."""

from pathlib import Path
from typing import ClassVar, Literal

import pandas as pd

from workloads.errors import WorkloadError
from workloads.interaction_log import InteractionLog
from workloads.progress import Progress
from workloads.readers.delimited_text import (
    as_times_s,
    by_key,
    read_columns,
    read_lines,
    require_text,
)
from workloads.readers.reader import Reader

_RATING_COLUMNS = ("user", "item", "rating", "timestamp")
# The README of ml-100k: the last 19 fields of u.item, in this order.
_GENRES = [
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
]
_ITEM_COLUMNS = ("item", "title", "released", "video_released", "url", *_GENRES)
_MOVIE_COLUMNS = ("item", "title", "genres")


class GroupLensReader(Reader):
    """Reads `u.data` and `u.item` (ml-100k), or `ratings.dat` and `movies.dat` (ml-1m).

    Every rating is an interaction, whatever its value. Titles are in Latin-1.
    Format: the README files at https://files.grouplens.org/datasets/movielens/
    """

    kind: Literal["grouplens"] = "grouplens"
    layout: ClassVar[str] = "GroupLens files (u.data and u.item, or ratings.dat and movies.dat)"

    def recognises(self, path: Path) -> bool:
        """Return whether `path` is, or is a folder with, `u.data` or `ratings.dat`."""
        if path.is_dir():
            return (path / "u.data").exists() or (path / "ratings.dat").exists()
        return path.name in ("u.data", "ratings.dat")

    def files(self, path: Path) -> tuple[Path, ...]:
        """Return the file of ratings, and that of titles and genres."""
        folder = path if path.is_dir() else path.parent
        older = (folder / "u.data").exists()
        ratings, items = ("u.data", "u.item") if older else ("ratings.dat", "movies.dat")
        items_path = folder / items
        return (folder / ratings, *([items_path] if items_path.exists() else []))

    def read(self, path: Path, name: str, progress: Progress) -> InteractionLog:
        """Read the ratings, and titles and genres where their file is there."""
        ratings_path, *items = self.files(path)
        older = ratings_path.name == "u.data"
        separator, read_items = ("\t", _read_u_item) if older else ("::", _read_movies)
        lines = read_lines(ratings_path, "latin-1")
        ratings = read_columns(ratings_path, lines, separator, _RATING_COLUMNS, 1, progress)
        require_text(ratings_path, ratings["user"])
        require_text(ratings_path, ratings["item"])
        times_s = as_times_s(ratings_path, ratings["timestamp"])
        titles, attributes = read_items(items[0], progress) if items else ({}, {})
        return InteractionLog.from_columns(
            name, ratings["user"], ratings["item"], times_s, titles, attributes
        )


def _read_u_item(
    path: Path, progress: Progress
) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """Return titles and genres by item key from `u.item`."""
    table = read_columns(path, read_lines(path, "latin-1"), "|", _ITEM_COLUMNS, 1, progress)
    titles = by_key(path, table["item"], table["title"].str.strip())
    flags = table[_GENRES]
    for genre in _GENRES:
        unknown = ~flags[genre].isin(["0", "1"])
        if unknown.any():
            line = flags.index[unknown][0]
            raise WorkloadError(
                f"{path}: line {line}: the flag of genre {genre} is {flags.at[line, genre]!r}; "
                "0 or 1 is expected"
            )
    attributes = {
        str(item): tuple(genre for genre, flag in zip(_GENRES, row, strict=True) if flag == "1")
        for item, row in zip(table["item"], flags.to_numpy(), strict=True)
    }
    return titles, attributes


def _read_movies(
    path: Path, progress: Progress
) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """Return titles and genres by item key from `movies.dat`."""
    table: pd.DataFrame = read_columns(
        path, read_lines(path, "latin-1"), "::", _MOVIE_COLUMNS, 1, progress
    )
    titles = by_key(path, table["item"], table["title"].str.strip())
    genres = by_key(path, table["item"], table["genres"])
    return titles, {item: tuple(text.split("|")) for item, text in genres.items() if text}
