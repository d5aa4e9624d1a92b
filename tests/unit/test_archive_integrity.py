"""Packages: the same bytes from the same content; every kind of tampering refused, with the file named."""

from __future__ import annotations

import io
import random
import struct
import time
import zipfile
import zlib
from pathlib import Path

import pytest
import small_package

from agency_survey.archive import bag, verify, zipping
from agency_survey.errors import InputError

TOP = "small-1.0-public"


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    return small_package.package(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def members(package) -> dict[str, bytes]:
    """Content of every entry by its path."""
    with zipfile.ZipFile(package) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(path: Path, members: dict[str, bytes], change=lambda entry: None, extra=()) -> Path:
    """Write entries as packages are written; ``change`` may alter an entry's header."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in [*sorted(members.items()), *extra]:
            entry = zipfile.ZipInfo(name, zipping.NO_TIME)
            entry.create_system, entry.external_attr = 3, zipping.PLAIN << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            change(entry)
            archive.writestr(entry, data)
    return path


def refused(path: Path) -> str:
    """What a quick verification says is wrong."""
    report = verify.verify(path, 1, None, quick=True, say=lambda text: None)
    said = [one for check in report.failed for one in check.said]
    assert said, "the package was taken for intact"
    return "\n".join(said)


def test_the_untouched_package_is_intact_and_quickly_verified(package):
    started = time.monotonic()
    report = verify.verify(package, 1, None, quick=True)
    assert not report.failed
    assert [check.state for check in report.checks] == ["passed"] * 3
    assert time.monotonic() - started < 2


def test_the_same_content_gives_the_same_bytes(package, tmp_path):
    assert small_package.package(tmp_path).read_bytes() == package.read_bytes()


def test_the_unpacked_bag_is_valid_for_the_library(package, tmp_path):
    contents, problems = zipping.check(package)
    assert problems == []
    folder = zipping.unpack(package, tmp_path, contents)
    assert bag.valid(folder) == []
    (folder / "data/LICENSE").write_text("All of this is made_up.\n")
    assert "LICENSE" in bag.valid(folder)[0]


def test_one_flipped_bit_of_the_content_is_found_in_200_places(members, tmp_path):
    """The content is changed and packed anew, so that only the manifest can tell."""
    chance = random.Random(1)
    payload = sorted(name for name in members if name.startswith(f"{TOP}/data/"))
    sizes = [len(members[name]) for name in payload]
    for case in range(200):
        name = chance.choices(payload, weights=sizes)[0]
        data = bytearray(members[name])
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        said = refused(packed(tmp_path / f"{case}.zip", {**members, name: bytes(data)}))
        assert name.removeprefix(TOP + "/") in said


def test_one_flipped_bit_of_the_zip_file_is_found_in_200_places(package, tmp_path):
    """Anywhere in the file: compressed content, headers, directory."""
    chance, whole = random.Random(2), package.read_bytes()
    for case in range(200):
        data = bytearray(whole)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path = tmp_path / f"{case}.zip"
        path.write_bytes(bytes(data))
        assert refused(path)


def test_one_flipped_bit_of_compressed_payload_names_the_file(package, tmp_path):
    chance, whole = random.Random(3), package.read_bytes()
    with zipfile.ZipFile(package) as archive:
        entries = [entry for entry in archive.infolist() if entry.filename.startswith(f"{TOP}/data/")]
    for case in range(200):
        entry = chance.choices(entries, weights=[one.compress_size for one in entries])[0]
        start = entry.header_offset + 30 + len(entry.filename)
        data = bytearray(whole)
        data[start + chance.randrange(entry.compress_size)] ^= 1 << chance.randrange(8)
        path = tmp_path / f"{case}.zip"
        path.write_bytes(bytes(data))
        assert entry.filename.removeprefix(TOP + "/") in refused(path)


def test_the_bits_that_fill_up_a_packed_file_are_found_too():
    data = b"agency_id,answer\nAB12C9,1\n"
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(data) + packer.flush()
    assert zipping.inflated(packed, len(data)) == data
    found = 0
    for bit in range(8 * len(packed)):
        other = bytearray(packed)
        other[bit // 8] ^= 1 << bit % 8
        try:
            found += zipping.inflated(bytes(other), len(data)) != data
        except (ValueError, zlib.error):
            found += 1
    assert found == 8 * len(packed)


def test_added_removed_and_renamed_files_are_named(members, tmp_path):
    name = f"{TOP}/data/results/rule0/tables/tbl-0.csv"
    said = refused(packed(tmp_path / "added.zip", {**members, f"{TOP}/data/results/new.csv": b"a\n1\n"}))
    assert "data/results/new.csv was added" in said
    left = {key: data for key, data in members.items() if key != name}
    assert "data/results/rule0/tables/tbl-0.csv was removed" in refused(packed(tmp_path / "removed.zip", left))
    other = {**left, f"{TOP}/data/results/rule0/tables/tbl-00.csv": members[name]}
    assert "tbl-0.csv was renamed to data/results/rule0/tables/tbl-00.csv" in refused(
        packed(tmp_path / "renamed.zip", other)
    )


def test_tag_files_are_protected_too(members, tmp_path):
    for name in ("bagit.txt", "bag-info.txt", "manifest-sha256.txt"):
        data = members[f"{TOP}/{name}"].replace(b"0", b"1", 1)
        assert f"{name} was changed" in refused(packed(tmp_path / "tag.zip", {**members, f"{TOP}/{name}": data}))
    added = {**members, f"{TOP}/more.txt": b"more\n"}
    assert "more.txt was added" in refused(packed(tmp_path / "more.zip", added))
    without = {key: data for key, data in members.items() if not key.endswith("tagmanifest-sha256.txt")}
    assert "tagmanifest-sha256.txt is lacking" in refused(packed(tmp_path / "none.zip", without))


@pytest.mark.parametrize(
    "name",
    ["../outside.txt", "data/../../outside.txt", "/etc/outside", "C:/outside.txt", "data\\..\\outside.txt", "data/con.txt",
     "data/a:b.txt", "data/ünicode.txt", "data/" + "x" * 150 + ".txt"],
)  # fmt: skip
def test_paths_that_leave_the_folder_or_harm_a_system_are_named(members, tmp_path, name):
    whole = name if name.startswith(("/", "C:")) else f"{TOP}/{name}"
    said = refused(packed(tmp_path / "slip.zip", members, extra=[(whole, b"out\n")]))
    assert whole.replace("\\", "\\\\") in said


def test_links_are_named(members, tmp_path):
    def link(entry):
        if entry.filename.endswith("LICENSE"):
            entry.external_attr = 0o120777 << 16

    assert "data/LICENSE is a symbolic link" in refused(packed(tmp_path / "link.zip", members, link))


def test_devices_folders_and_wrong_permissions_are_named(members, tmp_path):
    for mode in (0o020666, 0o104755, 0o100666):

        def change(entry, mode=mode):
            if entry.filename.endswith("LICENSE"):
                entry.external_attr = mode << 16

        assert "data/LICENSE is no plain file" in refused(packed(tmp_path / "mode.zip", members, change))
    assert "folder" in refused(packed(tmp_path / "folder.zip", members, extra=[(f"{TOP}/data/empty/", b"")]))


def test_zip_bombs_are_refused_without_unpacking_them(members, tmp_path):
    name = f"{TOP}/data/bomb.csv"
    path = packed(tmp_path / "bomb.zip", {**members, name: b"0" * (40 << 20)})
    assert "bomb.csv unpacks to" in refused(path)


def test_a_size_that_lies_is_refused(members, tmp_path):
    """The directory says a small size for a file that unpacks to a large one."""
    name = f"{TOP}/data/bomb.csv"
    path = packed(tmp_path / "lie.zip", {**members, name: b"0" * (4 << 20)})
    data = path.read_bytes().replace(struct.pack("<L", 4 << 20), struct.pack("<L", 1000))
    path.write_bytes(data)
    assert "bomb.csv" in refused(path)


def test_encrypted_doubled_and_differently_cased_entries_are_named(members, tmp_path):
    name = f"{TOP}/data/LICENSE"
    path = packed(tmp_path / "encrypted.zip", members)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo(name).header_offset
    data[start + 6] |= 1
    directory = data.rindex(name.encode()) - 46
    data[directory + 8] |= 1
    path.write_bytes(bytes(data))
    assert "data/LICENSE is encrypted" in refused(path)
    with pytest.warns(UserWarning, match="Duplicate"):
        path = packed(tmp_path / "twice.zip", members, extra=[(name, b"another\n")])
    assert "data/LICENSE is there twice" in refused(path)
    path = packed(tmp_path / "case.zip", members, extra=[(f"{TOP}/data/License", b"another\n")])
    assert "data/License is there twice" in refused(path)


def test_hidden_bytes_times_and_comments_are_found(package, members, tmp_path):
    path = tmp_path / "x.zip"
    for data in (b"MZ" + package.read_bytes(), package.read_bytes() + b"more"):
        path.write_bytes(data)
        assert refused(path)

    def dated(entry):
        entry.date_time = (2026, 1, 31, 12, 0, 0)

    assert "has a time" in refused(packed(path, members, dated))
    with zipfile.ZipFile(packed(path, members), "a") as archive:
        archive.comment = b"hello"
    assert "hidden bytes" in refused(path)


@pytest.mark.parametrize("data", [b"", b"no zip file", b"PK\x03\x04" + b"\0" * 100])
def test_what_is_no_zip_file_gets_a_sentence(tmp_path, data):
    (tmp_path / "x.zip").write_bytes(data)
    assert "no intact zip file" in refused(tmp_path / "x.zip")


def test_an_archive_that_is_not_there_gets_a_sentence(tmp_path):
    with pytest.raises(InputError, match="There is no such archive"):
        verify.verify(tmp_path / "none.zip", 1, None, quick=True)


def test_a_folder_is_called_one(tmp_path):
    with pytest.raises(InputError, match="The archive is a folder"):
        verify.verify(tmp_path, 1, None, quick=True)


def test_the_bag_is_of_the_standard_and_not_of_its_draft(members):
    assert members[f"{TOP}/bagit.txt"].startswith(b"BagIt-Version: 1.0\n")


def test_an_empty_zip_file_is_refused(tmp_path):
    buffer = io.BytesIO()
    zipfile.ZipFile(buffer, "w").close()
    (tmp_path / "x.zip").write_bytes(buffer.getvalue())
    assert refused(tmp_path / "x.zip")
