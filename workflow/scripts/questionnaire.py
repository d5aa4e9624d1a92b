"""Appendix A: questionnaire, codebooks and the DDI-Codebook document of the survey's files.

In: codebooks, raw files and their typed tables (ingest), study description, sample design, citation.
Out: results/questionnaire/{numbers.json,tables/,text/,ddi.xml}.
"""

from pathlib import Path

from agency_survey import codebook, ddi, files, schema, scripting
from agency_survey.errors import script_main
from agency_survey.ingest import sha256
from agency_survey.sections.questionnaire import appendix


def main() -> None:
    parser = scripting.parser(__doc__)
    for name in ("--study", "--design", "--citation"):
        parser.add_argument(name, required=True)
    for name in ("--codebooks", "--raw", "--tables"):
        parser.add_argument(name, nargs="+", required=True)
    given = parser.parse_args()
    folder = Path(given.codebooks[0]).parent
    books = codebook.load_survey(folder, tuple(Path(path).stem for path in given.codebooks))
    appendix(books).write(given.out)

    tables = {Path(path).stem: files.read_parquet(path) for path in given.tables}
    described = [
        ddi.DataFile(
            book=books[Path(path).stem],
            name=path,
            records=len(tables[Path(path).stem]),
            digest=sha256(path),
            table=tables[Path(path).stem] if books[Path(path).stem].synthetic else None,
        )
        for path in given.raw
    ]
    study = ddi.filled(schema.load(given.study, "study"), schema.load(given.design, "sample_design"))
    citation = schema.read_yaml(given.citation)
    text = ddi.document(study, citation, given.settings["date"], described, list(books.values()))
    files.write_text(Path(given.out) / "ddi.xml", text.decode("utf-8"))


if __name__ == "__main__":
    script_main(main)
