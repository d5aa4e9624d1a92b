"""Typed-in results: digits and number words in running text that no rule computed.

Free of suspicion are shortcodes, dates and years, citations with their locators, cross-references, question numbers, and what
is not prose (code, formulas, addresses, attributes, identifiers, list markers). Everything else is on the allow-list
``config/digits.yaml`` with a reason, or refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from agency_survey import schema
from agency_survey.errors import InputError

from .source import SHORTCODE, Text, fence_states

ALLOWED = "config/digits.yaml"
GENERATED = re.compile(r"results/[^/]+/(tables|figures)/")

NUMERAL = r"\d\u00b2\u00b3\u00b9\u00bc-\u00be\u2070-\u2079\u2080-\u2089\u2150-\u2189\u2460-\u249b"
TOKEN = re.compile(rf"[^\s()\[\]{{}}\"“”‘*|`]*[{NUMERAL}][^\s()\[\]{{}}\"“”*|`]*")
UNITS = (
    r"(?:agenc(?:y|ies)|cases?|victims?|respondents?|suspects?|persons?|people|officers?|deput(?:y|ies)|departments?|"
    r"offices?|investigators?|investigations?|leaders?|chiefs?|sheriffs?|partners?|task\s+forces?|surveys?|returns?|"
    r"records?|arrests?|charges?|prosecutions?|convictions?|communit(?:y|ies)|count(?:y|ies)|cit(?:y|ies)|children|"
    r"women|men|girls|minors|adults|years)\b"
)
PERCENT = r"(?:%|per\s?cent\b|percentage\b)"

COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
CODE = re.compile(r"(?<!`)(`+)(?!`)((?:(?!\n[ \t]*\n).)+?)(?<!`)\1(?!`)", re.DOTALL)
DISPLAY_MATH = re.compile(r"\$\$.*?\$\$", re.DOTALL)
MATH = re.compile(r"(?<![\\$])\$(?=[^\s$])([^$\n]*?)(?<=\S)(?<!\\)\$(?!\d)")
ATTRIBUTES = re.compile(r'(?<!\{)\{((?:[^{}"]|"[^"]*")*)\}')
SPOKEN = re.compile(r'\b(?:title|alt|fig-alt|fig-cap|tbl-cap|aria-label)="([^"]*)"')
TARGET = re.compile(r"(?<=\]\()\s*<?[^\s)>]+>?")
DEFINITION = re.compile(r"^ {0,3}\[(?!\^)[^\]]+\]:\s*<?[^\s>]+", re.MULTILINE)
ADDRESS = re.compile(r"<[^<>\s]+>|</?[A-Za-z][^<>]*>|\b(?:https?://|mailto:|www\.)[^\s)>\]]+")
CITED = re.compile(r"\[[^\[\]]*@[^\[\]]*\]")
KEY = re.compile(r"(?<![\w\\@/.])-?@(?:\{[^{}\s]+\}|\w(?:\w|[:.#$%&\-+?<>~/](?=\w))*)")
LOCATOR = re.compile(
    r"(?:\bpp?\.|\bch(?:ap)?\.|\bsec\.|\bvol\.|\bno\.|\bn\.|§+|\bchapters?|\bsections?|\bpages?|\btables?|\bfigures?)"
    r"\s*[A-Z]?\d+(?:\s*[–-]\s*\d+|,\s*\d+)*|(?<=,)\s*\d+(?:\s*[–-]\s*\d+)?(?=\s*[;\]])"
)
PATH = re.compile(r"(?<![\w/])[A-Za-z][\w.-]*/(?:[\w.-]+/)*[\w.-]+\.[a-z]\w*")
NOTE = re.compile(r"\[\^[^\]\s]+\]:?")
MARKER = re.compile(r"^\s*(?:>\s*)*(?:\(?\d{1,3}[.)]|\(?[a-z][.)])(?=\s)")
MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
DATES = (
    re.compile(r"(?<![\w-])\d{4}-\d\d-\d\d(?![\w-])"),
    re.compile(rf"\b{MONTH}\s+\d{{1,2}},\s+\d{{4}}\b|\b\d{{1,2}}\s+{MONTH}(?:\s+\d{{4}})?\b|\b{MONTH}\s+\d{{4}}\b"),
)
YEAR = re.compile(
    r"(?<![\w.,/$€£+%–-])(?:1[89]|20)\d\d(?:s\b)?(?:\s*[–-]\s*(?:(?:1[89]|20)\d\d|\d\d))?"
    rf"(?![\w%]|[.,]\d|\s*{PERCENT}|\s+(?:\w+\s+)?(?!surveys?\b){UNITS})"
)
AMOUNT_BEFORE = re.compile(
    r"(?:[=<>≈~≥≤±×]|\b(?:about|nearly|almost|approximately|exactly|over|under|some|only|than|least|most|all))\s*\Z"
)
ITEM = rf"\d{{1,2}}[a-z]?\b(?!\.\d|,\d|\s*{PERCENT})"
QUESTION = re.compile(
    rf"\b(?:Question|question)s?\s+{ITEM}(?:(?:\s*,\s*|\s*[–-]\s*|\s+(?:and|or|to)\s+){ITEM})*|\b[Qq]{ITEM}"
)

TEENS = "(?:thir|four|fif|six|seven|eigh|nine)teen"
ONES = f"two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|{TEENS}"
TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
LARGE = "hundreds?|thousands?|millions?|dozens?"
NUMBER = rf"(?:{ONES}|{TENS}|{LARGE})(?:(?:\s+and\s+|[\s-]+)(?:one|{ONES}|{TENS}|{LARGE}))*"
PART = "third|quarter|fifth|sixth|seventh|eighth|ninth|tenth|twentieth|hundredth|thousandth"
WORDS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:{NUMBER})\s+(?:and\s+a\s+half\s+)?{PERCENT}(?:\s+points?)?",
        r"\b(?:one|a)\s+per\s?cent(?:age\s+point)?\b",
        r"\b(?:(?:a|one)\s+)?hal(?:f|ves)\b(?!-)",
        rf"\b(?:{NUMBER})[\s-]+(?:{PART})s\b",
        rf"\b(?:a|one)[\s-](?:{PART})(?=\s+(?:of|the|as|are|is|were|was|have|has|had|say|said)\b|\s*[.,;:)]|\s*\Z)",
        rf"\b(?:one|{NUMBER})\s+(?:in|out\s+of|of\s+every)\s+(?:every\s+)?(?:{NUMBER})\b",
        rf"\b(?:{NUMBER})\s+of\s+(?:the|them|these|those|all|its|our|their|which|whom|every)\b",
        rf"\b(?:{NUMBER})\s+(?:(?!(?:and|or|of|to|in|as)\b)[\w'’-]+\s+){{0,2}}?{UNITS}",
        rf"\b(?:twice|thrice|(?:{NUMBER})\s+times)\s+(?:as|the|that|more|higher|larger|lower|smaller)\b",
        rf"\b(?:{TEENS}|(?:{TENS})(?:-\w+)?)\b(?!-)",
        rf"\b(?:{NUMBER})-?fold\b|\b(?:double|treble|triple|quadruple)[ds]?\s+(?:the|that)\b",
    )
)
ADVICE = f"look it up with {{{{< num id >}}}}, rephrase, or enter it in {ALLOWED} with a reason"


@dataclass(frozen=True)
class Finding:
    """A digit or number word in running text: offsets into the text, and what stands there."""

    start: int
    end: int
    what: str


@dataclass
class Allowance:
    """One entry of the allow-list.

    files : patterns of paths; an entry for a module of sections also holds for the texts that rules write. sometimes : of use
    with some data only. used : the ``files`` with a finding that the entry allows.
    """

    files: list[str]
    reason: str
    line: int
    text: str = ""
    pattern: str = ""
    sometimes: bool = False
    used: set[str] = field(default_factory=set)

    @property
    def of_sections(self) -> bool:
        """Whether the words come from a program."""
        return any(name.startswith("workflow/") for name in self.files)

    def spans(self, flat: str) -> Iterator[tuple[int, int]]:
        """Where the entry occurs in a text without line ends."""
        pattern = self.pattern or r"(?<!\w)" + re.escape(self.text) + r"(?!\w)"
        return (match.span() for match in re.finditer(pattern, flat))


def read_allowed(root: Path) -> list[Allowance]:
    """Entries of ``config/digits.yaml`` under ``root``, checked against its schema; none where there is no such file."""
    path = Path(root) / ALLOWED
    if not path.is_file():
        return []
    entries = schema.load(path, "digits")["allowed"]
    lines = schema.lines_of(path)
    for index, entry in enumerate(entries):
        try:
            re.compile(entry.get("pattern", ""))
        except re.error as error:
            where = f"{path}, line {lines[('allowed', str(index), 'pattern')]}"
            raise InputError(f"'{entry['pattern']}' is not a regular expression: {error}", where, "Mend it") from error
    return [Allowance(**entry, line=lines[("allowed", str(index))]) for index, entry in enumerate(entries)]


def _blank(text: str, start: int, end: int) -> str:
    return text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]


def _blanked(text: str, pattern: re.Pattern, keep=lambda match: False) -> str:
    """``text`` with the matches of ``pattern`` blanked, but for those to ``keep``."""
    return pattern.sub(lambda match: match[0] if keep(match) else re.sub(r"[^\n]", " ", match[0]), text)


def _without_blocks(text: str) -> str:
    """Code blocks and markers of lists blanked; raw blocks are printed, so they stay."""
    lines, raw, before = text.split("\n"), False, ""
    states = fence_states(lines)
    for index, (line, state) in enumerate(zip(lines, states, strict=True)):
        raw = "{=" in line if state == "open" else raw
        if state in ("open", "close") or (state == "code" and not raw):
            lines[index] = " " * len(line)
        elif (marker := MARKER.match(line)) and (not before.strip() or MARKER.match(before) or before[:1] == " "):
            lines[index] = " " * marker.end() + line[marker.end() :]
        before = line
    return "\n".join(lines)


def _spoken(match: re.Match) -> str:
    """Attributes blanked but for those that readers see or hear."""
    kept = list(re.sub(r"[^\n]", " ", match[0]))
    for one in SPOKEN.finditer(match[0]):
        kept[one.start(1) : one.end(1)] = one[1]
    return "".join(kept)


def prose(text: str) -> str:
    """``text`` with all that may hold digits blanked, at the same offsets."""
    text = _without_blocks(text)
    text = _blanked(text, COMMENT)
    text = _blanked(text, SHORTCODE)
    text = _blanked(text, CODE, lambda match: re.fullmatch(r"\W*\d[\d.,]{0,8}\s*%?\W*", match[2]))
    text = _blanked(text, DISPLAY_MATH, lambda match: re.search(r"\d[.,]?\d", match[0]))
    text = _blanked(text, MATH, lambda match: re.search(r"\d[.,]?\d|\d\s*\\?%", match[1]))
    text = ATTRIBUTES.sub(_spoken, text)
    for pattern in (TARGET, DEFINITION, ADDRESS, PATH):
        text = _blanked(text, pattern)
    text = CITED.sub(lambda match: _blanked(_blanked(match[0], KEY), LOCATOR), text)
    for pattern in (KEY, NOTE, *DATES):
        text = _blanked(text, pattern)
    text = _blanked(text, YEAR, lambda match: AMOUNT_BEFORE.search(text[max(match.start() - 20, 0) : match.start()]))
    return _blanked(text, QUESTION)


def findings(text: str) -> list[Finding]:
    """Digits and number words of a Markdown text that are not of an allowed kind, in their order."""
    plain = prose(text)
    found = []
    for match in TOKEN.finditer(plain):
        token = match[0].rstrip(".,:;!?'’—–-\\")
        found.append(Finding(match.start(), match.start() + len(token), token))
    for pattern in WORDS:
        for match in pattern.finditer(plain):
            if not re.search(r"\n[ \t]*\n", match[0]):
                found.append(Finding(*match.span(), " ".join(match[0].split())))
    found.sort(key=lambda one: (one.start, -one.end))
    return [one for index, one in enumerate(found) if index == 0 or one.start >= found[index - 1].end]


def refused(text: str, file_at, allowed: list[Allowance]) -> list[Finding]:
    """Findings that no entry allows; entries note where they were of use. file_at : offset -> file."""
    left, flat = [], text.replace("\n", " ")
    spans: dict[int, list[tuple[int, int]]] = {}
    for found in findings(text):
        file = file_at(found.start)
        if GENERATED.match(file):
            continue
        excused = False
        for index, one in enumerate(allowed):
            named = [name for name in one.files if fnmatchcase(file, name)]
            if not named and not (file.startswith("results/") and one.of_sections):
                continue
            if index not in spans:
                spans[index] = list(one.spans(flat))
            if any(start <= found.start and found.end <= end for start, end in spans[index]):
                one.used.update(named)
                excused = True
        if not excused:
            left.append(found)
    return left


def check_text(text: Text, allowed: list[Allowance]) -> list[tuple[str, int, str]]:
    """Problems (file, line, sentence) of a chapter and of the texts that it includes; tables and figures are computed."""
    return [
        (*text.where(one.start), f"'{one.what}' is typed into the text: {ADVICE}")
        for one in refused(text.text, lambda offset: text.where(offset)[0], allowed)
    ]


def unused(allowed: list[Allowance], everywhere: bool = False) -> list[tuple[str, int, str]]:
    """Entries that allow nothing. Whether a generated text says something depends on the results, so that only chapters
    count in a build; ``everywhere`` counts all the book's texts."""
    places = ("reports/", "results/") if everywhere else ("reports/",)
    return [
        (ALLOWED, one.line, f"'{one.text or one.pattern}' allows nothing in {name}: take the entry or that file out")
        for one in allowed
        for name in one.files
        if name.startswith(places) and name not in one.used and not one.sometimes
    ]
