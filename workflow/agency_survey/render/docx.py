"""The bundled engine's DOCX: pandoc's writer, then our styles, header and footer, in a zip with fixed times."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path

from .dates import long_date
from .docx_styles import FOOTER, HEADER, NAMESPACES, RUNNING_NOTICE, SECTION, STYLES
from .pandoc import Pandoc
from .source import Book
from .tree import SPACE, div, has, link, pairs_of, para, plain, raw, string, walk, words
from .whole import is_note
from .widths import MANY_COLUMNS, with_widths

FIELD = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'
INSTRUCTION = '<w:r><w:instrText xml:space="preserve"> {} </w:instrText></w:r>'
CONTENTS = "table-of-contents"
LABEL = re.compile(r"(Table|Figure)\u00a0((?:\w+\.)?)(\d+):")
SHORT_TABLE = 14  # rows, header included, that stay on one page


def styled(style: str, blocks: list, identifier: str = "") -> dict:
    return div([identifier, [], [["custom-style", style]]], blocks)


def docx_blocks(book: Book, blocks: list) -> list:
    """The whole book's blocks with Word's style names on callouts, notes, references and figures."""
    front = [styled("Notice", [para(words(book.notice))])] if book.notice else []
    return [*front, *_contents(blocks), *walk(blocks, _visit)]


def _visit(node: dict) -> list | None:
    kind = node["t"]
    if kind == "Header":
        level, attr, inlines = node["c"]
        text = _marked(attr[0], _numbered(node, walk(inlines, _visit)))
        return [{"t": "Header", "c": [level, [attr[0], [], []], text]}]
    if kind == "Table":
        return [_table(walk(node, _visit))]
    if kind == "Figure":
        attr, caption, blocks = node["c"]
        picture = [para(block["c"]) if block["t"] == "Plain" else block for block in walk(blocks, _visit)]
        text = [para(_counted(block["c"])) for block in walk(caption[1], _visit)]
        return [div([attr[0], [], []], [styled("Captioned Figure", picture), styled("Image Caption", text)])]
    if kind == "Div":
        attr, blocks = node["c"]
        if has(attr, "callout"):
            title, *rest = walk(blocks, _visit)
            return [styled("Callout Title", [para(title["c"][1][0]["c"])], attr[0]), styled("Callout", rest)]
        if is_note(node):
            return [styled("Exhibit Note", walk(blocks, _visit), attr[0])]
    return None


def _table(node: dict) -> dict:
    """A table over the whole text width, columns in proportion to their content; many columns in smaller type."""
    attr, caption, columns, *rest = node["c"]
    caption = [caption[0], [para(_counted(block["c"]), block["t"]) for block in caption[1]]]
    many = len(columns) > MANY_COLUMNS
    columns = with_widths(columns, rest, 124 if many else 80)
    if many:
        rest = walk(rest, lambda one: [styled("Compact Small", [para(one["c"])])] if one["t"] == "Plain" else None)
    return {"t": "Table", "c": [attr, caption, columns, *rest]}


def field(instruction: str, shown: str) -> dict:
    """A field of Word's with the result that stands there until Word computes it."""
    result = f"<w:r><w:t>{shown}</w:t></w:r>"
    parts = (
        FIELD.format("begin"),
        INSTRUCTION.format(instruction),
        FIELD.format("separate"),
        result,
        FIELD.format("end"),
    )
    return raw("openxml", "".join(parts), True)


def _counted(caption: list) -> list:
    """A caption whose number is a field of Word's sequence of tables or figures, counted anew in each chapter."""
    match = LABEL.fullmatch(caption[0]["c"]) if caption and caption[0]["t"] == "Str" else None
    if not match:
        return caption
    kind, chapter, number = match.groups()
    restart = r" \r 1" if number == "1" else ""
    return [
        string(f"{kind}\u00a0{chapter}"),
        field(rf"SEQ {kind} \* ARABIC{restart}", number),
        string(":"),
        *caption[1:],
    ]


def bookmark(identifier: str) -> tuple[str, int]:
    """Name and number of the bookmark of a heading, for the contents' page numbers; Word allows no hyphens in names."""
    number = 100_000_000 + zlib.crc32(identifier.encode()) % 900_000_000
    return f"_Toc{number}", number


def _marked(identifier: str, inlines: list) -> list:
    """A heading's inlines between the two ends of its bookmark."""
    name, number = bookmark(identifier)
    start = f'<w:bookmarkStart w:id="{number}" w:name="{name}"/>'
    return [raw("openxml", start, True), *inlines, raw("openxml", f'<w:bookmarkEnd w:id="{number}"/>', True)]


def _numbered(node: dict, inlines: list) -> list:
    """A heading's inlines with its number; appendices named as in Quarto."""
    level, attr, _ = node["c"]
    number = pairs_of(attr).get("number")
    if not number:
        return inlines
    label = f"Appendix {number} \u2014" if level == 1 and number.isalpha() else number
    return [string(label), SPACE, *inlines]


def _contents(blocks: list) -> list:
    """A table of contents with links; the program that opens the document fills in the page numbers.

    Each number is a field of its own: inside one field for the whole table LibreOffice would not compute them.
    """
    entries: list[dict] = []

    def note(node: dict) -> None:
        if node["t"] == "Header" and node["c"][0] <= 2:
            level, attr, inlines = node["c"]
            text = plain(_numbered(node, inlines))
            page = field(rf"PAGEREF {bookmark(attr[0])[0]} \h", "")
            tab = raw("openxml", "<w:r><w:tab/></w:r>", True)
            entries.append(styled(f"TOC {level}", [para([link(words(text), f"#{attr[0]}"), tab, page])]))

    walk(blocks, note)
    return [styled("TOC Heading", [para([string("Contents")])], CONTENTS), *entries]


def write_docx(pandoc: Pandoc, book: Book, blocks: list, out: Path) -> None:
    """Write ``out``/<output-file>.docx."""
    meta = {
        "title": {"t": "MetaInlines", "c": words(book.title)},
        "subtitle": {"t": "MetaInlines", "c": words(book.subtitle)},
        "author": {"t": "MetaList", "c": [{"t": "MetaInlines", "c": words(name)} for name in book.authors]},
        "date": {"t": "MetaInlines", "c": words(long_date(book.date))},
        "lang": {"t": "MetaString", "c": book.lang},
    }
    data = pandoc.convert(docx_blocks(book, blocks), meta, ["--to=docx", "--output=-"], "the book as DOCX")
    (out / f"{book.output}.docx").write_bytes(finish(data, book, pandoc.epoch))


def finish(data: bytes, book: Book, epoch: int) -> bytes:
    """Pandoc's DOCX with our styles, page header and footer; the same bytes for the same content."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}

    def edit(name: str, change) -> None:
        files[name] = change(files[name].decode("utf-8")).encode("utf-8")

    edit("word/styles.xml", restyle)
    edit("word/document.xml", _finish_body)
    edit("word/settings.xml", lambda xml: xml.replace("<w:proofState", '<w:updateFields w:val="true" /><w:proofState'))
    edit("word/_rels/document.xml.rels", lambda xml: xml.replace("</Relationships>", _relations()))
    edit("[Content_Types].xml", lambda xml: xml.replace("</Types>", _content_types()))
    notice = RUNNING_NOTICE.format(notice=_escape(book.running_notice)) if book.running_notice else ""
    files["word/header1.xml"] = HEADER.format(title=_escape(book.title), namespaces=NAMESPACES).encode("utf-8")
    files["word/footer1.xml"] = FOOTER.format(namespaces=NAMESPACES, notice=notice).encode("utf-8")
    return pack(files, epoch)


def _finish_body(xml: str) -> str:
    """Page layout; rows that do not break over pages; no file path where a picture's description belongs."""
    xml = re.sub(r"<w:sectPr>.*?</w:sectPr>", SECTION, xml, flags=re.DOTALL)
    xml = xml.replace("<w:trPr>", "<w:trPr><w:cantSplit/>")
    xml = re.sub(r"<w:tr>(?!<w:trPr>)", "<w:tr><w:trPr><w:cantSplit/></w:trPr>", xml)
    xml = re.sub(r"<w:tbl>.*?</w:tbl>", lambda match: _kept(match[0]), xml, flags=re.DOTALL)
    return re.sub(r'(<pic:cNvPr) descr="[^"]*"', r'\1 descr=""', xml)


def _kept(table: str) -> str:
    """A table on one page with its note where it is short; of a long one the first and the last rows stay together."""
    rows = re.split(r"(?=<w:tr>)", table)
    for at in range(1, len(rows)):
        if len(rows) - 1 <= SHORT_TABLE or at <= 2 or at >= len(rows) - 2:
            rows[at] = re.sub(r"(<w:pPr><w:pStyle [^>]*>)", r"\1<w:keepNext/>", rows[at])
    return "".join(rows)


def restyle(xml: str) -> str:
    """Put our definitions in the place of pandoc's styles of the same id; add those that are new."""
    for identifier, definition in STYLES.items():
        pattern = rf'<w:style [^>]*w:styleId="{identifier}"[^>]*>.*?</w:style>'
        xml, count = re.subn(pattern, lambda _, new=definition: new, xml, count=1, flags=re.DOTALL)
        if not count:
            xml = xml.replace("</w:styles>", f"{definition}</w:styles>")
    xml = re.sub(r'<w:sz w:val="24" />\s*<w:szCs w:val="24" />', '<w:sz w:val="22"/><w:szCs w:val="22"/>', xml, count=1)
    return xml


def pack(files: dict[str, bytes], epoch: int) -> bytes:
    """A zip whose bytes depend on the files and the epoch only; [Content_Types].xml first, as Word expects."""
    when = datetime.fromtimestamp(epoch, UTC).timetuple()[:6]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in sorted(files, key=lambda one: (one != "[Content_Types].xml", one)):
            entry = zipfile.ZipInfo(name, when)
            entry.compress_type, entry.create_system, entry.external_attr = (
                zipfile.ZIP_DEFLATED,
                3,
                0o644 << 16,
            )
            archive.writestr(entry, files[name], compresslevel=6)
    return stream.getvalue()


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _relations() -> str:
    base = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
    parts = (("rIdHeader", "header"), ("rIdFooter", "footer"))
    made = [f'<Relationship Id="{one}" Type="{base}{kind}" Target="{kind}1.xml"/>' for one, kind in parts]
    return "".join(made) + "</Relationships>"


def _content_types() -> str:
    base = "application/vnd.openxmlformats-officedocument.wordprocessingml."
    made = [f'<Override PartName="/word/{kind}1.xml" ContentType="{base}{kind}+xml"/>' for kind in ("header", "footer")]
    return "".join(made) + "</Types>"
