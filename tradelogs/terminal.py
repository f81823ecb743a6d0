"""The one console of every display."""

from collections.abc import Iterable
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from files.shown_text import clean_text


class CleanConsole(Console):
    """A console that shows text as it is: no markup, no codes of emoji, no control characters but its own."""

    def __init__(self) -> None:
        super().__init__(highlight=False, markup=False, emoji=False)

    @property
    def file(self) -> IO[str]:
        """Where it writes: past what cleans all that others write."""
        found = super().file
        return getattr(found, "outlet", found)

    @file.setter
    def file(self, file: IO[str]) -> None:
        self._file = file

    def render_str(self, text: str, **options: Any) -> Text:
        """Make a text of a string, cleaned before it is measured."""
        return super().render_str(clean_text(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render, and clean what was not made of a string."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(clean_text(segment.text), segment.style)
