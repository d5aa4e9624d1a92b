"""The BagIt bag (RFC 8493) around the payload, by the library ``bagit``; and its check from digests alone."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from pathlib import Path

import bagit

from agency_survey.errors import InputError

TAGS = ("bagit.txt", "bag-info.txt", "manifest-sha256.txt")
VERSION = "1.0"
TAG_MANIFEST = "tagmanifest-sha256.txt"
LINE = re.compile(r"([0-9a-f]{64})\s+\*?(\S.*)")


def make(folder: Path, info: dict[str, str]) -> None:
    """Turn a folder into a bag in place: what it holds becomes the payload ``data/``."""
    logging.getLogger("bagit").setLevel(logging.WARNING)
    here = os.getcwd()
    try:
        bagit.make_bag(str(folder), bag_info=dict(info), checksums=["sha256"])
    finally:
        os.chdir(here)
    declaration, tags = folder / TAGS[0], folder / TAG_MANIFEST
    old = declaration.read_bytes()  # the library writes the draft's number; the bag is one of RFC 8493, version 1.0
    new = re.sub(rb"(?<=BagIt-Version: )\S+", VERSION.encode(), old)
    declaration.write_bytes(new)
    listed = tags.read_text(encoding="utf-8")
    before, after = (hashlib.sha256(one).hexdigest() for one in (old, new))
    tags.write_text(listed.replace(before, after), encoding="utf-8")


def valid(folder: Path) -> list[str]:
    """What the library finds wrong with an unpacked bag."""
    logging.getLogger("bagit").setLevel(logging.CRITICAL)
    try:
        bagit.Bag(str(folder)).validate()
    except bagit.BagValidationError as error:
        named = [str(one) for one in error.details or []]
        return [f"The library bagit refuses the bag: {' '.join((one or str(error)).split())}." for one in named or [""]]
    except bagit.BagError as error:
        return [f"The library bagit refuses the bag: {' '.join(str(error).split())}."]
    return []


def parse(text: str, name: str) -> dict[str, str]:
    """Digests by path of a manifest; InputError for a line that is none, or a path given twice."""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = LINE.fullmatch(line)
        if not match or match[2] in found:
            raise InputError("A line is no digest and path, or gives a path twice", f"{name}, line {number}")
        found[match[2]] = match[1]
    return found


def compare(digests: dict[str, str], manifest: dict[str, str], tags: dict[str, str]) -> list[str]:
    """A sentence for each file that is not what the manifests say: changed, added, removed or renamed."""
    problems = []
    payload = {name: digest for name, digest in digests.items() if name.startswith("data/")}
    others = {name: digest for name, digest in digests.items() if not name.startswith("data/")}
    problems += [f"{name} is lacking." for name in TAGS if name not in others]
    allowed = {*TAGS, TAG_MANIFEST}
    problems += [f"{name} was added; no package has it." for name in others if name not in allowed]
    problems += [f"{name} was changed." for name in tags if name in others and others[name] != tags[name]]
    problems += [f"{name} is not covered by {TAG_MANIFEST}." for name in TAGS if name not in tags]
    gone = {name: digest for name, digest in manifest.items() if name not in payload}
    new = {name: digest for name, digest in payload.items() if name not in manifest}
    by_digest = {digest: name for name, digest in new.items()}
    for name, digest in gone.items():
        if digest in by_digest:
            problems.append(f"{name} was renamed to {by_digest[digest]}.")
            new.pop(by_digest[digest], None)
        else:
            problems.append(f"{name} was removed.")
    problems += [f"{name} was added." for name in new]
    problems += [f"{name} was changed." for name, known in manifest.items() if payload.get(name, known) != known]
    return problems
