"""What a section's script leaves: numbers, tables, figures and texts, written as files under results/<rule>/."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agency_survey import files
from agency_survey.figures import Figure
from agency_survey.ledger import Numbers
from agency_survey.tables import Table


@dataclass(frozen=True)
class Exhibits:
    """The exhibits of one section."""

    numbers: Numbers
    tables: list[Table]
    figures: list[Figure]
    texts: dict[str, str]

    def write(self, folder: str | Path) -> None:
        """Write numbers.json, tables/<id>.{csv,md}, figures/<id>.{png,csv,md} and text/<name>.md."""
        folder = Path(folder)
        for table in self.tables:
            table.write(folder / "tables")
        for figure in self.figures:
            figure.write(folder / "figures")
        for name, text in self.texts.items():
            files.write_text(folder / "text" / f"{name}.md", text)
        files.write_json(folder / "numbers.json", self.numbers.as_dict())
