"""DDI-Codebook 2.5: the survey's files described for archives, as one XML document with the same bytes for the same data.

Elements and their order are those of the standard's XML Schema (DDI Alliance, DDI-Codebook 2.5, 2012).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import pandas as pd

from agency_survey import wording
from agency_survey.codebook import Codebook, Derived, Variable
from agency_survey.errors import InputError

NAMESPACE = "ddi:codebook:2_5"
SCHEMA = "http://www.ddialliance.org/Specification/DDI-Codebook/2.5/XMLSchema/codebook.xsd"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
DISCLOSURE = {
    "direct_identifier": "Direct identifier: taken out of public files.",
    "quasi_identifier": "Quasi identifier: may identify an agency together with others.",
    "sensitive": "Sensitive: given in confidence.",
    "none": "Neither identifying nor sensitive.",
}
FILE_TYPES = {
    ".csv": "Comma-separated text with a header",
    ".tsv": "Tab-separated text with a header",
    ".xlsx": "Excel workbook",
    ".sav": "SPSS file",
    ".dta": "Stata file",
    ".parquet": "Parquet file",
}
FORMATS = {"string": "character", "text": "character", "date": "character"}


@dataclass(frozen=True)
class DataFile:
    """A file of the survey: its codebook, size, SHA-256 and, where counts may be shown, its typed table."""

    book: Codebook
    name: str
    records: int
    digest: str
    table: pd.DataFrame | None = None

    @property
    def ident(self) -> str:
        return f"file_{self.book.name}"


def document(study: dict, citation: dict, date: str, files: list[DataFile], books: list[Codebook]) -> bytes:
    """The document as UTF-8 bytes.

    study : ``config/study.yaml`` with its numbers filled in; citation : ``CITATION.cff``; date : year-month-day;
    files : the files that are there, in order; books : codebooks of all files of the study, each also without its file.
    """
    root = ET.Element(
        "codeBook",
        {
            "version": "2.5",
            "xmlns": NAMESPACE,
            "xmlns:xsi": INSTANCE,
            "xsi:schemaLocation": f"{NAMESPACE} {SCHEMA}",
            "xml:lang": "en",
        },
    )
    synthetic = any(book.synthetic for book in books)
    _document_description(root, study, citation, date)
    _study_description(root, study, citation, date, synthetic)
    for file in files:
        _file_description(root, file)
    data = ET.SubElement(root, "dataDscr")
    held = {file.book.name: file for file in files}
    for book in books:
        _groups(data, book)
    for book in books:
        for variable in book.variables.values():
            _variable(data, book, variable, held.get(book.name))
        for derived in book.derived.values():
            _derived(data, book, derived)
    ET.indent(root, " ")
    return ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def filled(study: dict, design: dict) -> dict:
    """The study's texts with the numbers of the sample design put in; an unknown name in braces is refused."""
    numbers = {
        "population_threshold": f"{design['population_threshold']:,}",
        "random_sample": f"{design['random_sample']['size']:,}",
        "mailed": f"{design['mailed']:,}",
    }
    try:
        return {key: value.format_map(numbers) if isinstance(value, str) else value for key, value in study.items()}
    except (KeyError, ValueError, IndexError) as error:
        raise InputError(
            f"A text of the study has braces that name no number: {error}",
            "config/study.yaml",
            f"Known are {', '.join('{' + name + '}' for name in numbers)}",
        ) from error


def _add(parent: ET.Element, element: str, text: object = None, /, **attributes: str) -> ET.Element:
    child = ET.SubElement(parent, element, {key: str(value) for key, value in attributes.items()})
    if text is not None:
        child.text = " ".join(str(text).split())
    return child


def _people(citation: dict) -> list[str]:
    names = [one.get("name") or f"{one['family-names']}, {one['given-names']}" for one in citation["authors"]]
    return [str(name) for name in names]


def _document_description(root: ET.Element, study: dict, citation: dict, date: str) -> None:
    """The XML document itself: who made it, when, with what."""
    made = _add(_add(root, "docDscr"), "citation")
    _add(_add(made, "titlStmt"), "titl", f"Codebook of the {study['title']}")
    production = _add(made, "prodStmt")
    for name in _people(citation):
        _add(production, "producer", name)
    _add(production, "prodDate", date, date=date)
    _add(production, "software", citation["title"], version=citation["version"])


def _study_description(root: ET.Element, study: dict, citation: dict, date: str, synthetic: bool) -> None:
    described = _add(root, "stdyDscr")
    cited = _add(described, "citation")
    titles = _add(cited, "titlStmt")
    _add(titles, "titl", study["title"] + (" (synthetic stand-in)" if synthetic else ""))
    if "alternative_title" in study:
        _add(titles, "altTitl", study["alternative_title"])
    responsible = _add(cited, "rspStmt")
    for name in _people(citation):
        _add(responsible, "AuthEnty", name)
    production = _add(cited, "prodStmt")
    for name in _people(citation):
        _add(production, "producer", name)
    _add(production, "prodDate", date, date=date)
    _add(_add(cited, "verStmt"), "version", citation["version"], date=date)
    if synthetic:
        _add(cited, "notes", study["synthetic"], type="synthetic data")
    _study_information(described, study, synthetic)
    _method(described, study)
    access = _add(_add(described, "dataAccs"), "useStmt")
    _add(access, "confDec", study["confidentiality"])
    if study.get("publications"):
        material = _add(described, "othrStdyMat")
        for one in study["publications"]:
            _add(material, "relPubl", one)


def _study_information(described: ET.Element, study: dict, synthetic: bool) -> None:
    information = _add(described, "stdyInfo")
    if study.get("keywords"):
        subject = _add(information, "subject")
        for word in study["keywords"]:
            _add(subject, "keyword", word)
    _add(information, "abstract", " ".join([study["abstract"], study["synthetic"] if synthetic else ""]))
    summary = _add(information, "sumDscr")
    for element, key in (("timePrd", "period"), ("collDate", "collection")):
        for event, end in (("start", "from"), ("end", "to")):
            _add(summary, element, study[key][end], date=study[key][end], event=event)
    _add(summary, "nation", study["nation"]["name"], abbr=study["nation"]["abbreviation"])
    _add(summary, "anlyUnit", study["unit"])
    _add(summary, "universe", study["universe"])
    _add(summary, "dataKind", ("Synthetic. " if synthetic else "") + study["kind"])


def _method(described: ET.Element, study: dict) -> None:
    method = _add(described, "method")
    collection = _add(method, "dataColl")
    _add(collection, "timeMeth", "Cross-section")
    _add(collection, "sampProc", study["sampling"])
    _add(collection, "collMode", study["mode"])
    _add(collection, "resInstru", study["instrument"])
    _add(collection, "weight", study["weighting"])
    _add(collection, "cleanOps", study["cleaning"])


def _file_description(root: ET.Element, file: DataFile) -> None:
    described = _add(root, "fileDscr", ID=file.ident)
    text = _add(described, "fileTxt")
    _add(text, "fileName", file.name)
    _add(text, "fileCont", f"{file.book.title}. One record: {file.book.record}. {file.book.note}")
    _add(text, "fileStrc", type="rectangular")
    size = _add(text, "dimensns")
    _add(size, "caseQnty", file.records)
    _add(size, "varQnty", len(file.book.variables))
    _add(text, "fileType", FILE_TYPES.get(PurePath(file.name).suffix.lower(), "Data file"))
    _add(described, "notes", file.digest, type="SHA-256")


def _groups(data: ET.Element, book: Codebook) -> None:
    """Blocks as groups of variables."""
    for block, title in book.blocks.items():
        names = [one.name for one in book.variables.values() if one.block == block]
        group = _add(data, "varGrp", ID=f"group_{book.name}_{block}", type="subject")
        group.set("var", " ".join(_ident(book, name) for name in names))
        _add(group, "labl", f"{book.title}: {title}")


def _ident(book: Codebook, name: str) -> str:
    return f"{book.name}_{name}"


def _variable(data: ET.Element, book: Codebook, variable: Variable, file: DataFile | None) -> None:
    made = _add(data, "var", ID=_ident(book, variable.name), name=variable.name)
    if file:
        made.set("files", file.ident)
    made.set("intrvl", "contin" if variable.type in ("integer", "number", "date") else "discrete")
    if file:
        _add(made, "location", fileid=file.ident)
    _add(made, "labl", variable.label)
    _question(made, book, variable)
    _valid_range(made, variable)
    _add(made, "universe", _universe(book, variable))
    table = file.table if file else None
    _statistics(made, variable, table)
    _categories(made, variable, table)
    if variable.block:
        _add(made, "concept", book.blocks[variable.block])
    _add(made, "varFormat", type="character" if variable.type in FORMATS else "numeric", schema="other")
    _notes(made, variable)


def _question(made: ET.Element, book: Codebook, variable: Variable) -> None:
    if not variable.question:
        return
    asked = _add(made, "qstn")
    if variable.battery:
        _add(asked, "preQTxt", book.batteries[variable.battery].question)
    _add(asked, "qstnLit", variable.question)


def _valid_range(made: ET.Element, variable: Variable) -> None:
    if variable.range is not None:
        low, high = map(str, variable.range)
        units = (
            {"UNITS": "INT"} if variable.type == "integer" else {"UNITS": "REAL"} if variable.type == "number" else {}
        )
        _add(_add(made, "valrng"), "range", min=low, max=high, **units)
    if variable.missing:
        invalid = _add(made, "invalrng")
        for code in variable.missing:
            _add(invalid, "item", VALUE=code)
        said = "; ".join(f"{code} {entry['label']}" for code, entry in variable.missing.items())
        _add(invalid, "key", said)


def _universe(book: Codebook, variable: Variable) -> str:
    base = book.universe or f"Every {book.record}"
    if variable.universe is None:
        return base
    return f"{base}; asked if {wording.in_words(variable.universe, book)} ({variable.universe.text})"


def _statistics(made: ET.Element, variable: Variable, table: pd.DataFrame | None) -> None:
    """Valid and invalid records; of numbers also minimum, maximum, mean and standard deviation of the unweighted values."""
    if table is None:
        return
    column = table[variable.name]
    found = {"vald": int(column.notna().sum()), "invd": int(column.isna().sum())}
    if variable.type in ("integer", "number") and found["vald"]:
        numbers = column.dropna().astype(float).to_numpy()
        found |= {"min": numbers.min(), "max": numbers.max(), "mean": numbers.mean()}
        if len(numbers) > 1:
            found["stdev"] = np.std(numbers, ddof=1)
    for kind, value in found.items():
        _add(made, "sumStat", f"{value:.10g}" if isinstance(value, float) else value, type=kind, wgtd="not-wgtd")


def _categories(made: ET.Element, variable: Variable, table: pd.DataFrame | None) -> None:
    """Valid codes and missing codes with their labels, and how many records have them where counts are shown."""
    for code, label in variable.codes.items():
        category = _add(made, "catgry", missing="N")
        _add(category, "catValu", code)
        _add(category, "labl", label)
        if table is not None:
            _frequency(category, int((table[variable.name] == label).sum()))
    kinds = [entry["kind"] for entry in variable.missing.values()]
    for code, entry in variable.missing.items():
        category = _add(made, "catgry", missing="Y", missType=entry["kind"])
        _add(category, "catValu", code)
        _add(category, "labl", entry["label"])
        if table is not None and variable.blank != entry["kind"] and kinds.count(entry["kind"]) == 1:
            _frequency(category, int((table[f"{variable.name}__missing"] == entry["kind"]).sum()))


def _frequency(category: ET.Element, count: int) -> None:
    _add(category, "catStat", count, type="freq", wgtd="not-wgtd")


def _notes(made: ET.Element, variable: Variable) -> None:
    if variable.blank:
        _add(made, "notes", f"An empty cell means: {wording.KIND_WORDS[variable.blank]}.", type="empty cells")
    if variable.unit:
        _add(made, "notes", variable.unit, type="unit")
    if variable.disclosure:
        _add(made, "notes", DISCLOSURE[variable.disclosure], type="disclosure")
    if variable.note:
        _add(made, "notes", variable.note, type="note")


def _derived(data: ET.Element, book: Codebook, derived: Derived) -> None:
    """A variable that the report computes; it belongs to no file."""
    made = _add(data, "var", ID=_ident(book, derived.name), name=derived.name)
    made.set("intrvl", "discrete" if derived.kind == "truth" else "contin")
    _add(made, "labl", derived.label)
    derivation = _add(made, "derivation")
    _add(derivation, "drvdesc", f"Computed by the report from {book.file}. {derived.note}")
    _add(derivation, "drvcmd", derived.expression.text, syntax="codebook expression")
    _add(made, "varFormat", type="numeric", schema="other")
    if derived.unit:
        _add(made, "notes", derived.unit, type="unit")
