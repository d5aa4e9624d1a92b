"""The DOCX design: Word styles, page layout, header and footer, as WordprocessingML."""

from __future__ import annotations

INK, GREY, RULE = "1D3557", "595959", "BFC5CE"
NAMESPACES = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'

HEADER = (
    "<?xml version='1.0' encoding='UTF-8'?><w:hdr {namespaces}><w:p><w:pPr><w:pStyle w:val=\"Header\"/></w:pPr>"
    "<w:r><w:t>{title}</w:t></w:r></w:p></w:hdr>"
)
FOOTER = (
    "<?xml version='1.0' encoding='UTF-8'?><w:ftr {namespaces}><w:p><w:pPr><w:pStyle w:val=\"Footer\"/></w:pPr>"
    '<w:fldSimple w:instr=" PAGE "><w:r><w:t>1</w:t></w:r></w:fldSimple></w:p>{notice}</w:ftr>'
)
RUNNING_NOTICE = (
    '<w:p><w:pPr><w:pStyle w:val="Footer"/></w:pPr><w:r><w:rPr><w:color w:val="9B2226"/><w:sz w:val="15"/></w:rPr>'
    "<w:t>{notice}</w:t></w:r></w:p>"
)
SECTION = (
    '<w:sectPr><w:headerReference w:type="default" r:id="rIdHeader"/><w:footerReference w:type="default" '
    'r:id="rIdFooter"/><w:pgSz w:w="12240" w:h="15840"/><w:pgMar w:top="1440" w:right="1440" w:bottom="1300" '
    'w:left="1440" w:header="720" w:footer="600" w:gutter="0"/><w:titlePg/></w:sectPr>'
)


def style(
    identifier: str,
    name: str,
    based: str = "Normal",
    spacing: tuple[int, int] = (0, 120),
    size: int = 0,
    colour: str = "",
    bold: bool = False,
    font: str = "",
    following: str = "",
    paragraph: str = "",
    ends: str = "",
) -> str:
    """A paragraph style. ``size`` in half points; ``spacing`` before and after in twentieths of a point.

    ``paragraph`` and ``ends`` are further paragraph properties, before and after spacing in the schema's order.
    """
    run = f'<w:rFonts w:ascii="{font}" w:hAnsi="{font}" w:cs="{font}"/>' if font else ""
    run += '<w:b/><w:bCs/><w:i w:val="0"/>' if bold else ""
    run += f'<w:color w:val="{colour}"/>' if colour else ""
    run += f'<w:sz w:val="{size}"/><w:szCs w:val="{size}"/>' if size else ""
    after = f'<w:next w:val="{following}"/>' if following else ""
    basis = f'<w:basedOn w:val="{based}"/>' if based else ""
    return (
        f'<w:style w:type="paragraph" w:styleId="{identifier}"><w:name w:val="{name}"/>{basis}{after}<w:qFormat/>'
        f'<w:pPr>{paragraph}<w:spacing w:before="{spacing[0]}" w:after="{spacing[1]}" w:line="264" '
        f'w:lineRule="auto"/>{ends}</w:pPr><w:rPr>{run}</w:rPr></w:style>'
    )


def heading(level: int, size: int, spacing: tuple[int, int], extra: str = "") -> str:
    return style(
        f"Heading{level}",
        f"heading {level}",
        spacing=spacing,
        size=size,
        colour=INK,
        bold=True,
        font="Calibri",
        following="BodyText",
        paragraph=f"<w:keepNext/><w:keepLines/>{extra}",
        ends=f'<w:outlineLvl w:val="{level - 1}"/>',
    )


def box(colour: str, sides: str) -> str:
    """Paragraph borders on the named sides."""
    lines = [f'<w:{side} w:val="single" w:sz="12" w:space="6" w:color="{colour}"/>' for side in sides.split()]
    return f"<w:pBdr>{''.join(lines)}</w:pBdr>"


def table_style() -> str:
    """Rules above and below the header and at the foot, faint ones between rows; header row bold."""

    def line(side: str, size: int, colour: str) -> str:
        return f'<w:{side} w:val="single" w:sz="{size}" w:space="0" w:color="{colour}"/>'

    borders = line("top", 8, INK) + line("bottom", 8, INK) + line("insideH", 2, RULE)
    margins = "".join(
        f'<w:{side} w:w="{width}" w:type="dxa"/>'
        for side, width in (("top", 30), ("left", 60), ("bottom", 30), ("right", 60))
    )
    return (
        '<w:style w:type="table" w:default="1" w:styleId="Table"><w:name w:val="Table"/><w:qFormat/>'
        '<w:rPr><w:sz w:val="18"/><w:szCs w:val="18"/></w:rPr>'
        f"<w:tblPr><w:tblBorders>{borders}</w:tblBorders><w:tblCellMar>{margins}</w:tblCellMar></w:tblPr>"
        '<w:tblStylePr w:type="firstRow"><w:rPr><w:b/><w:bCs/></w:rPr><w:tcPr><w:tcBorders>'
        f'{line("bottom", 6, INK)}</w:tcBorders><w:vAlign w:val="bottom"/></w:tcPr></w:tblStylePr></w:style>'
    )


LEFT_BAR = box(INK, "left")
TO_PAGE = '<w:tabs><w:tab w:val="right" w:leader="dot" w:pos="9350"/></w:tabs>'
INDENT = '<w:ind w:left="220" w:right="220"/>'
STYLES = {
    "Title": style("Title", "Title", spacing=(2400, 200), size=52, colour=INK, bold=True, font="Calibri"),
    "Subtitle": style("Subtitle", "Subtitle", spacing=(0, 480), size=28, colour=GREY, font="Calibri"),
    "Author": style("Author", "Author", spacing=(0, 60), size=24),
    "Date": style("Date", "Date", spacing=(0, 480), size=24),
    "Notice": style(
        "Notice",
        "Notice",
        spacing=(480, 240),
        colour="9B2226",
        paragraph=box("9B2226", "top left bottom right"),
    ),
    "BodyText": style("BodyText", "Body Text", spacing=(80, 120)),
    "Compact": style("Compact", "Compact", spacing=(20, 20)),
    "CompactSmall": style("CompactSmall", "Compact Small", spacing=(10, 10), size=14),
    "Heading1": heading(1, 36, (0, 280), "<w:pageBreakBefore/>"),
    "Heading2": heading(2, 28, (320, 120)),
    "Heading3": heading(3, 24, (260, 100)),
    "Heading4": heading(4, 22, (220, 80)),
    "TOCHeading": style(
        "TOCHeading",
        "TOC Heading",
        spacing=(0, 240),
        size=36,
        colour=INK,
        bold=True,
        font="Calibri",
        paragraph="<w:keepNext/><w:pageBreakBefore/>",
    ),
    "TOC1": style("TOC1", "toc 1", spacing=(100, 20), bold=True, paragraph=f"<w:keepNext/>{TO_PAGE}"),
    "TOC2": style("TOC2", "toc 2", spacing=(0, 20), paragraph=TO_PAGE, ends='<w:ind w:left="300"/>'),
    "Caption": style("Caption", "caption", spacing=(0, 100), size=20, colour=INK, bold=True, font="Calibri"),
    "TableCaption": style(
        "TableCaption",
        "Table Caption",
        based="Caption",
        spacing=(280, 100),
        paragraph="<w:keepNext/><w:keepLines/>",
    ),
    "ImageCaption": style(
        "ImageCaption", "Image Caption", based="Caption", spacing=(60, 100), paragraph="<w:keepNext/><w:keepLines/>"
    ),
    "CaptionedFigure": style(
        "CaptionedFigure", "Captioned Figure", based="Figure", spacing=(280, 60), paragraph="<w:keepNext/>"
    ),
    "ExhibitNote": style(
        "ExhibitNote", "Exhibit Note", spacing=(60, 320), size=18, colour=GREY, paragraph="<w:keepLines/>"
    ),
    "CalloutTitle": style(
        "CalloutTitle",
        "Callout Title",
        spacing=(240, 60),
        colour=INK,
        bold=True,
        font="Calibri",
        paragraph=f"<w:keepNext/>{LEFT_BAR}",
        ends=INDENT,
    ),
    "Callout": style("Callout", "Callout", spacing=(0, 120), paragraph=LEFT_BAR, ends=INDENT),
    "Bibliography": style("Bibliography", "Bibliography", ends='<w:ind w:left="360" w:hanging="360"/>'),
    "FootnoteText": style("FootnoteText", "footnote text", spacing=(0, 40), size=18),
    "Header": style("Header", "header", spacing=(0, 0), size=17, colour=GREY, font="Calibri"),
    "Footer": style("Footer", "footer", spacing=(0, 0), size=18, colour=GREY, ends='<w:jc w:val="center"/>'),
    "Table": table_style(),
}
