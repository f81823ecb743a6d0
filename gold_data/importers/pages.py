"""Reads the tables of a page of HTML as lines of cells, so that a report is read as a CSV file is."""

from html.parser import HTMLParser

from gold_data.importers.formats import CsvLine


def read_tables(text: str) -> list[CsvLine]:
    """Give the rows of all tables, in order; a row's number is the line it begins on. Hidden cells are left out.

    Where two cells of a row say the same, the second and later ones are numbered (`Price`, `Price 2`) if the row is a
    header, that is, has no digit in any cell.
    """
    parser = _Tables()
    parser.feed(text)
    parser.close()
    parser.end_row()
    return [line if any(map(_has_digit, line.cells)) else _number_names(line) for line in parser.rows]


def _has_digit(cell: str) -> bool:
    return any(map(str.isdigit, cell))


def _number_names(line: CsvLine) -> CsvLine:
    names: list[str] = []
    for place, cell in enumerate(line.cells):
        before = line.cells[:place].count(cell)
        names.append(f"{cell} {before + 1}" if cell and before else cell)
    return CsvLine(line.number, tuple(names))


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.rows: list[CsvLine] = []
        self.cells: list[str] = []
        self.begin = 1
        self.is_open = self.is_hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.end_row()
            self.begin = self.getpos()[0]
        elif tag in ("td", "th"):
            self.is_open = True
            self.is_hidden = ("class", "hidden") in attrs
            if not self.is_hidden:
                self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.is_open = False
        elif tag in ("tr", "table"):
            self.end_row()

    def handle_data(self, data: str) -> None:
        if self.is_open and not self.is_hidden and self.cells:
            self.cells[-1] = f"{self.cells[-1]} {data}".strip()

    def end_row(self) -> None:
        """Keep the row that was open."""
        if self.cells:
            self.rows.append(CsvLine(self.begin, tuple(" ".join(cell.split()) for cell in self.cells)))
        self.cells, self.is_open = [], False
