"""The checks that data editors run over a package, file by file; each finding names the file, the check and what was found."""

from __future__ import annotations

import ast
import csv
import hashlib
import io
import re
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from agency_survey.archive import records, selection, views, zipping
from agency_survey.archive.records import Fingerprints
from agency_survey.errors import InputError

MACHINE_PATH = re.compile(
    r"(?<![\w.~$\])}>/-])(?:file://)?/(?:home|Users|root|tmp|work|mnt|media|scratch|srv|private/var|var/folders)/[\w.@-]+"
    r"|(?<![A-Za-z])[A-Za-z]:\\{1,2}(?:Users|Documents|Temp|home|data)\\"
    r"|\\\\[A-Za-z][\w.-]+\\[A-Za-z]"
)
E_MAIL = re.compile(r"(?<![\w.+/-])[A-Za-z0-9][\w.+-]*@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}")
# Packed bytes look like a short address now and then: in pictures and documents an address is longer, and in lower case.
PACKED_E_MAIL = re.compile(r"(?<![\w.+/-])[a-z0-9][a-z0-9.+-]{2,}@(?:[a-z0-9-]{3,}\.)+[a-z]{2,6}(?![\w.-])")
RESERVED_DOMAIN = re.compile(r"(?:^|\.)(?:example(?:\.(?:com|org|net))?|invalid|test|localhost)$")  # RFC 2606
SOCIAL_SECURITY = re.compile(r"(?<![\w.-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
TELEPHONE = re.compile(r"(?<![\w.(-])(?:\+1[ -])?\(\d{3}\) ?\d{3}-\d{4}(?![\w-])|(?<![\w.-])\d{3}-\d{3}-\d{4}(?![\w-])")
TOKEN = re.compile(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*")
RUBBISH = re.compile(
    r"(?:^|/)(?:\.git|\.svn|__MACOSX|\.DS_Store|Thumbs\.db|desktop\.ini|__pycache__|\.ipynb_checkpoints|\._[^/]+|~\$[^/]+|[^/]+~)(?:/|$)"
)
PACKED = (b"PK\x03\x04", b"\x1f\x8b", b"BZh9", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"\x28\xb5\x2f\xfd")
TABLES = (".csv", ".tsv", ".txt", ".parquet", ".xlsx", ".sav", ".dta")
LICENCES = ("LICENSE", "LICENSE.txt", "LICENSE.md")
READMES = ("README.md", "README.txt", "README.pdf")
MIN_VARIABLES = 5
ROOTS = ("home/", "Users/", "root/", "tmp/", "work/", "mnt/", "media/", "scratch/", "srv/", "private/", "var/", "\\")


@dataclass(frozen=True)
class Finding:
    """Something that a package may not have."""

    check: str
    file: str
    found: str

    def words(self) -> str:
        """One sentence."""
        return f"{self.file}: {self.check}: {self.found}."

    def as_dict(self) -> dict:
        """For JSON."""
        return asdict(self)


CHECKS = {
    "names": "unsafe, long or reserved file names, and names that differ in case only",
    "rubbish": "version control, system and cache files",
    "empty file": "files of zero bytes",
    "duplicate": "files of equal content",
    "nested archive": "archives within the archive",
    "machine path": "absolute paths of a machine",
    "e-mail": "e-mail addresses",
    "telephone": "telephone numbers",
    "social security": "social security numbers",
    "person": "names of people and machines that built the package",
    "identifying column": "columns of tables that identify people",
    "external digest": "files that may not be passed on, by their digest",
    "external record": "records of files that may not be passed on",
    "external layout": "tables that have the columns of files that may not be passed on",
    "survey record": "identifiers of the survey's own records, where these are real",
    "undeclared package": "imported packages that no requirement list pins",
    "missing": "README, licence, codebook",
}


def scan(
    names: dict[str, Path],
    settings: dict,
    known: Fingerprints,
    secrets: Iterable[str] = (),
    variables: Iterable[str] = (),
    own: Collection[str] = (),
    read: Collection[str] = (),
) -> list[Finding]:
    """All findings over a payload. names : file of each payload path; secrets : words of this machine that may not appear;
    variables : names of variables of external files; own : identifiers of the survey's own records that may not appear;
    read : payload paths whose content was looked into before. Findings that the settings allow are left out."""
    found = list(_named(names))
    digests = defaultdict(list)
    secrets = [word for word in dict.fromkeys(secrets) if len(word) > 3]
    look = _Look(settings, known, secrets, frozenset(variables), frozenset(own))
    todo = [(name, path) for name, path in names.items() if name not in read]
    for name, path in names.items():
        digests[hashlib.sha256(path.read_bytes()).hexdigest()].append(name)
    found += [one for entry in todo for one in look(entry)]
    found += _copies(digests, settings)
    found += _undeclared(names)
    found += _missing(names)
    return [one for one in found if not _allowed(one, settings)]


@dataclass(frozen=True)
class _Look:
    """What the content of one file is looked through for."""

    settings: dict
    known: Fingerprints
    secrets: list[str]
    variables: frozenset[str]
    own: frozenset[str]

    def __call__(self, entry: tuple[str, Path]) -> list[Finding]:
        name, data = entry[0], entry[1].read_bytes()
        found = [] if data else [Finding("empty file", name, "it has no content")]
        found += _nested(name, data, self.settings)
        return found + list(_content(name, data, self))


def _allowed(finding: Finding, settings: dict) -> bool:
    return any(
        rule["check"] == finding.check
        and rule["text"] in finding.found
        and selection.fits(finding.file, rule["patterns"])
        for rule in settings["allowed"]
    )


def _named(names: Iterable[str]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name in names:
        wrong = zipping.safe_name(name)
        if wrong:
            yield Finding("names", name, f"its name {wrong}")
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            yield Finding("names", name, f"it differs from {other} in case only")
        if RUBBISH.search(name):
            yield Finding("rubbish", name, "no package needs it")


def _nested(name: str, data: bytes, settings: dict) -> Iterator[Finding]:
    packed = (
        data.startswith(PACKED)
        or data[257:262] == b"ustar"
        or (b"PK\x05\x06" in data[-66_000:] and b"PK\x01\x02" in data)
    )
    if packed and not selection.fits(name, settings["nested"]["patterns"]):
        yield Finding("nested archive", name, "it is or holds an archive")


def _content(name: str, data: bytes, look: _Look) -> Iterator[Finding]:
    try:
        parts = list(views.contents(name, data))
    except InputError as error:
        yield Finding("nested archive", name, error.what)
        return
    for where, part in parts:
        digest = hashlib.sha256(part).hexdigest()
        if digest in look.known.digests:
            yield Finding("external digest", name, f"{where} is {look.known.digests[digest]}")
        for text in views.texts(part):
            yield from _text(name, where, text, look, PACKED_E_MAIL if part.startswith(views.BINARY) else E_MAIL)
            if PurePosixPath(where.split(" > ")[-1]).suffix in TABLES or where != name:
                yield from _columns(name, where, text, look.settings, look.variables)


def _text(name: str, where: str, text: str, look: _Look, e_mail: re.Pattern) -> Iterator[Finding]:
    inside = "" if where == name else f" (in {where})"
    if any(root in text for root in ROOTS) and (match := MACHINE_PATH.search(text)):
        yield Finding("machine path", name, match[0] + inside)
    for match in e_mail.finditer(text) if "@" in text else ():
        if not RESERVED_DOMAIN.search(match[0].split("@")[1].lower()):
            yield Finding("e-mail", name, match[0] + inside)
            break
    if match := SOCIAL_SECURITY.search(text):
        yield Finding("social security", name, match[0] + inside)
    if match := TELEPHONE.search(text):
        yield Finding("telephone", name, match[0] + inside)
    for word in look.secrets:
        if word in text:
            yield Finding("person", name, f"'{word}'{inside}")
    if look.own and (hits := sorted(look.own & set(TOKEN.findall(text)))):
        yield Finding("survey record", name, f"identifiers of the survey's records ({len(hits)} different){inside}")
    for said in records.search(text, look.known):
        yield Finding("external record", name, said + inside)


def _columns(name: str, where: str, text: str, settings: dict, variables: frozenset[str]) -> Iterator[Finding]:
    """Names of columns in a table's first line, where they tell of people or of an external file's layout."""
    first = text[:100_000].split("\n", 1)[0]
    delimiter = "\t" if "\t" in first else ";" if ";" in first and "," not in first else ","
    header = next(csv.reader(io.StringIO(first), delimiter=delimiter), [])
    for column in header:
        if identifying(tuple(settings["identifying_columns"])).fullmatch(column.strip().lower()):
            yield Finding("identifying column", name, f"'{column.strip()}'")
    shared = [column for column in (one.strip() for one in header) if column in variables]
    if len(shared) >= MIN_VARIABLES:
        yield Finding("external layout", name, f"columns {', '.join(shared[:3])} and {len(shared) - 3} more")


@cache
def identifying(patterns: tuple[str, ...]) -> re.Pattern:
    """One pattern of all names of columns that identify."""
    return re.compile("|".join(f"(?:{one})" for one in patterns))


def _copies(digests: dict[str, list[str]], settings: dict) -> Iterator[Finding]:
    meant = [one for rule in settings["duplicates"] for one in rule["patterns"]]
    for names in digests.values():
        odd = [name for name in names if not selection.fits(name, meant)]
        if len(names) > 1 and len(odd) > 1:
            yield Finding("duplicate", odd[1], f"it is the same as {odd[0]}")


def imported(source: str) -> set[str]:
    """Top-level packages that a Python source imports."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


def pinned(text: str) -> set[str]:
    """Distributions that a compiled requirement list pins, in normal form."""
    return {re.sub(r"[-_.]+", "-", match).lower() for match in re.findall(r"^([A-Za-z0-9._-]+)==", text, flags=re.M)}


def _undeclared(names: dict[str, Path]) -> Iterator[Finding]:
    from importlib.metadata import packages_distributions

    lists = {
        name: pinned(path.read_text(encoding="utf-8"))
        for name, path in names.items()
        if re.match(r"requirements/[a-z]+\.txt", name)
    }
    if not lists:
        return
    distributions = packages_distributions()
    own = {
        PurePosixPath(name).parts[k]
        for name in names
        if name.endswith(".py")
        for k in range(len(PurePosixPath(name).parts) - 1)
    }
    own |= {PurePosixPath(name).stem for name in names if name.endswith(".py")}
    for name, path in names.items():
        if not name.endswith(".py"):
            continue
        allowed = (
            set().union(*lists.values())
            if name.startswith(("tests/", "benchmarks/"))
            else set().union(*(pins for listed, pins in lists.items() if "test" not in listed))
        )
        for module in sorted(imported(path.read_text(encoding="utf-8")) - sys.stdlib_module_names - own):
            given = {re.sub(r"[-_.]+", "-", one).lower() for one in distributions.get(module, [module])}
            if not given & allowed:
                yield Finding("undeclared package", name, f"'{module}'")


def _missing(names: Iterable[str]) -> Iterator[Finding]:
    names = set(names)
    for wanted, what in ((READMES, "README"), (LICENCES, "licence")):
        if not names & set(wanted):
            yield Finding("missing", wanted[0], f"there is no {what}")
    if "codebook/codebook.csv" not in names:
        yield Finding("missing", "codebook/codebook.csv", "there is no codebook")
