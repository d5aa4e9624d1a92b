"""Zip files: written the same from the same content, and read with distrust."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from agency_survey import files
from agency_survey.errors import InputError

# The zip format has no "no time": its first moment stands for it, and never for a time at which anything happened.
NO_TIME = (1980, 1, 1, 0, 0, 0)
PLAIN, PROGRAM = 0o100644, 0o100755
LOCAL_HEADER = 30
MAX_FILES = 50_000
MAX_BYTES = 4 << 30  # unpacked, all files together
MAX_RATIO = 200  # of one file; text of numbers stays below 100
SMALL = 1 << 20  # below this size a high ratio harms nobody
SAFE = re.compile(r"[A-Za-z0-9._+@-]+(?:/[A-Za-z0-9._+@-]+)*\Z")
RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|\Z)", re.IGNORECASE)


def write(path: Path, top: str, content: Iterable[tuple[str, Path, bool]]) -> None:
    """Write files (name, source, is a program) below the folder ``top``: sorted, without times, owners or extras."""

    def fill(part: Path) -> None:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=9, strict_timestamps=True) as made:
            for name, source, program in sorted(content, key=lambda one: one[0]):
                entry = zipfile.ZipInfo(f"{top}/{name}", NO_TIME)
                entry.create_system = 3
                entry.external_attr = (PROGRAM if program else PLAIN) << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                made.writestr(entry, source.read_bytes(), compresslevel=9)

    files.atomic(path, fill)


def safe_name(name: str) -> str | None:
    """What is wrong with a path of a package, or None."""
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or "\\" in name or re.match(r"[A-Za-z]:", name):
        return "leaves the folder"
    if "\0" in name or not SAFE.match(name):
        return "has characters that not every system takes"
    if any(RESERVED.match(part) or part.endswith(".") for part in parts):
        return "has a name that Windows reserves"
    if len(name) > 200 or any(len(part) > 120 for part in parts):
        return "is longer than every system takes"
    return None


@dataclass(frozen=True)
class Contents:
    """A package's entries that could be read: digest, size and mode of each, below its one folder."""

    top: str
    digests: dict[str, str]
    sizes: dict[str, int]
    programs: frozenset[str]


def check(path: Path) -> tuple[Contents | None, list[str]]:
    """Read a zip file without unpacking it; returns its contents and a sentence for each thing wrong, naming the file."""
    try:
        size = path.stat().st_size
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            problems = _structure(archive, entries, size)
            if problems:
                return None, problems
            return _read(archive, entries)
    except FileNotFoundError:
        raise InputError(
            "There is no such archive", str(path), "Name the zip file: make verify ARCHIVE=dist/….zip"
        ) from None
    except IsADirectoryError:
        raise InputError("The archive is a folder", str(path), "Name the zip file") from None
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError, OverflowError) as error:
        return None, [f"The archive is no intact zip file: {error}."]


def _structure(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], size: int) -> list[str]:
    if len(entries) > MAX_FILES:
        return [f"The archive has {len(entries)} entries; no package of this project has more than {MAX_FILES}."]
    problems, seen, place = [], {}, 0
    tops = {entry.filename.split("/")[0] for entry in entries}
    for entry in entries:
        name, mode = entry.orig_filename, entry.external_attr >> 16
        if stat.S_ISLNK(mode):
            problems.append(f"{name} is a symbolic link.")
        elif wrong := safe_name(name.removesuffix("/")):
            problems.append(f"{name!r} {wrong}.")
        elif entry.is_dir():
            problems.append(f"{name} is an entry for a folder; a package has files only.")
        elif mode not in (PLAIN, PROGRAM):
            problems.append(f"{name} is no plain file (mode {mode:o}).")
        if entry.flag_bits & 0x2041:
            problems.append(f"{name} is encrypted.")
        elif entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            problems.append(f"{name} is packed by a method that packages do not use.")
        other = seen.setdefault(name.casefold(), name)
        if other is not name:
            problems.append(f"{name} is there twice{'' if other == name else f', as {other} too'}.")
        ratio = entry.file_size / max(1, entry.compress_size)
        if entry.file_size > SMALL and ratio > MAX_RATIO:
            problems.append(f"{name} unpacks to {ratio:,.0f} times its size, as zip bombs do.")
        if entry.date_time != NO_TIME or entry.create_system != 3 or entry.extra or entry.comment:
            problems.append(f"{name} has a time, owner or comment that packages do not have.")
        if entry.header_offset != place:
            problems.append(f"There are hidden bytes before {name}, or it lies over another file.")
        elif not _same_header(archive, entry):
            problems.append(f"{name} has two headers that differ.")
        place = entry.header_offset + LOCAL_HEADER + len(name.encode()) + entry.compress_size
    if sum(entry.file_size for entry in entries) > MAX_BYTES:
        problems.append(f"The archive unpacks to more than {MAX_BYTES >> 30} GB.")
    if len(tops) != 1:
        problems.append(f"The archive has {len(tops)} folders at its top where packages have one.")
    archive.fp.seek(0)
    if not problems and not archive.fp.read().endswith(_directory(entries, place)):
        problems.append("There are hidden or changed bytes in the archive's directory.")
    if archive.comment or place != archive.start_dir or size != place + len(_directory(entries, place)):
        problems.append("There are hidden bytes in the archive.")
    return problems


def _directory(entries: list[zipfile.ZipInfo], start: int) -> bytes:
    """The directory at the archive's end as packages have it."""
    out = b""
    for entry in entries:
        name = entry.orig_filename.encode()
        fixed = (20, 3, entry.extract_version, 0, entry.flag_bits, entry.compress_type, 0, 33)
        sizes = (entry.CRC, entry.compress_size, entry.file_size, len(name), 0, 0, 0, 0)
        where = (entry.external_attr & 0xFFFF0000, entry.header_offset)
        out += struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", *fixed, *sizes, *where) + name
    return out + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(entries), len(entries), len(out), start, 0)


def _same_header(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    """Whether the header before a file says what the directory at the archive's end says of it."""
    name = entry.orig_filename.encode()
    sizes = (entry.CRC, entry.compress_size, entry.file_size, len(name), 0)
    said = struct.pack(
        "<4s5H3L2H", b"PK\x03\x04", entry.extract_version, entry.flag_bits, entry.compress_type, 0, 33, *sizes
    )
    archive.fp.seek(entry.header_offset)
    return archive.fp.read(LOCAL_HEADER + len(name)) == said + name


def _read(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> tuple[Contents | None, list[str]]:
    digests, sizes, programs, problems = {}, {}, set(), []
    top = entries[0].filename.split("/")[0] if entries else ""
    for entry in entries:
        name = entry.filename.removeprefix(top + "/")
        archive.fp.seek(entry.header_offset + LOCAL_HEADER + len(entry.orig_filename.encode()))
        packed = archive.fp.read(entry.compress_size)
        try:
            data = packed if entry.compress_type == zipfile.ZIP_STORED else inflated(packed, entry.file_size)
        except (zlib.error, ValueError) as error:
            problems.append(f"{name} is damaged: {error}.")
            continue
        if len(data) != entry.file_size or zlib.crc32(data) != entry.CRC:
            problems.append(f"{name} is damaged: it is not what its checksum says.")
        digests[name], sizes[name] = hashlib.sha256(data).hexdigest(), len(data)
        if entry.external_attr >> 16 == PROGRAM:
            programs.add(name)
    return Contents(top, digests, sizes, frozenset(programs)), problems


def inflated(packed: bytes, size: int) -> bytes:
    """Unpacked content of at most ``size`` bytes; ValueError when it is longer, or when the bits that fill up the last byte,
    which say nothing, are not zero as zlib leaves them."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    data = stream.decompress(packed[:-1], size + 1)
    if len(data) > size or stream.unconsumed_tail or not packed:
        raise ValueError("it is longer than it says")
    last = packed[-1]
    variants = [(value, stream.copy()) for value in {last & (0xFF >> k) for k in range(1, 8)} - {last}]
    tail = stream.decompress(packed[-1:])
    if not stream.eof or stream.unused_data:
        raise ValueError("its packed content does not end where it should")
    for value, other in variants:
        try:
            if other.decompress(bytes([value])) == tail and other.eof:
                raise ValueError("the last bits of its packed content were changed")
        except zlib.error:
            continue
    return data + tail


def unpack(path: Path, folder: Path, contents: Contents) -> Path:
    """Unpack a checked archive into an empty folder; returns the folder of the package."""
    with zipfile.ZipFile(path) as archive:
        for name in contents.digests:
            target = folder / contents.top / PurePosixPath(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(f"{contents.top}/{name}"))
            os.chmod(target, 0o755 if name in contents.programs else 0o644)
    return folder / contents.top
