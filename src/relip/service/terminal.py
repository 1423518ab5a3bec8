"""What a person reads on the terminal: steps, progress, tables. On standard error, so that JSON can have standard output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

Advance = Callable[[int, int | None], None]
_console = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """One line."""
    _console.print(text, markup=False, soft_wrap=True)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A small table."""
    drawn = Table(*columns, title=title)
    for row in rows:
        drawn.add_row(*row)
    _console.print(drawn)


@contextmanager
def progress(text: str) -> Iterator[Advance]:
    """A bar to be told what is done and what there is to do."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_console, transient=True) as bar:
        task = bar.add_task(text, total=None)

        def advance(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total)

        yield advance
