"""Progress of long work on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["console_progress", "epoch_printer"]


@contextmanager
def console_progress() -> Iterator[Callable[[str, int, int], None]]:
    """A function (what, done, of) that moves a bar on stderr."""
    columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, int] = {}

        def move(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = int(bar.add_task(what, total=of))
            bar.update(tasks[what], completed=done, total=of)  # type: ignore[arg-type]

        yield move


def epoch_printer(epochs: int) -> Callable[[int, dict[str, float]], None]:
    """Prints one line for each epoch of a training."""
    console = Console(stderr=True, highlight=False)

    def show(epoch: int, metrics: dict[str, float]) -> None:
        recall, precision = metrics.get("metrics/recall(B)", 0.0), metrics.get("metrics/precision(B)", 0.0)
        quality = metrics.get("metrics/mAP50(B)", 0.0)
        console.print(
            f"epoch {epoch:3d} of {epochs}: mAP50 {quality:.3f}, recall {recall:.3f}, precision {precision:.3f}"
        )

    return show
