"""A self-contained page from a template: style, figures and tables are all inside."""

import os
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from analysis import tables, theme
from analysis.drawing import Drawing


def render(template: str, **context: Any) -> str:
    """Return the page that `templates/TEMPLATE` makes of the context.

    The template sees, besides, `css` and `data_table(drawing)`. Texts are escaped; figures are
    the project's own SVG.
    """
    return _environment().get_template(template).render(**context)


# Templates are compiled once a process: that takes as long as a page.
@cache
def _environment() -> Environment:
    folder = Path(str(files("analysis") / "templates"))
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    light, dark = theme.css_variables()
    css = (folder / "report.css").read_text(encoding="utf-8")
    css = css.replace("/* light colours */", light).replace("/* dark colours */", dark)
    environment.globals.update(css=Markup(css), inline_svg=_inline_svg, data_table=_data_table)
    return environment


def write_whole(path: Path, text: str) -> None:
    """Write a file under its final name only once it is complete."""
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)


def _inline_svg(drawing: Drawing) -> Markup:
    return Markup(drawing.inline_svg())


def _data_table(drawing: Drawing) -> tables.Table:
    return tables.of_frame(drawing.table, f"Data of the figure: {drawing.title}")
