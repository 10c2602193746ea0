"""Damaged VTK images: bytes of a good one flipped, cut off or doubled, in the text and in the numbers. Each is read or refused in one line."""
import pathlib
import random
import subprocess

import pytest

from conftest import run
from readers_test import K, encoded, vti

SECONDS = 30  # for one of them; a solve takes half of one


def good_images(folder):
    """The same field in three ways: ASCII, base64, and compressed behind the XML."""
    array = '<DataArray type="Float64" Name="permeability" format="{}" {}>{}</DataArray>'
    head = 'byte_order="LittleEndian" header_type="UInt32"'
    zlib = head + ' compressor="vtkZLibDataCompressor"'
    ways = {
        "ascii": {},
        "binary": {"head": head, "body": array.format("binary", "", encoded(K[0], "f8"))},
        "appended": {"head": zlib, "body": array.format("appended", 'offset="0"', ""),
                     "extra": f'<AppendedData encoding="base64">_{encoded(K[0], "f8", compress=True)}</AppendedData>'},
    }
    for name, options in ways.items():
        vti(folder / f"{name}.vti", K[0], **options)
    return {name: (folder / f"{name}.vti").read_bytes() for name in ways}


def mutated(content, draw):
    """One to three changes."""
    content = bytearray(content)
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(content))
        kind = draw.choice(("flip", "cut", "double", "flip"))
        if kind == "flip":
            content[at] ^= 1 << draw.randrange(8)
        elif kind == "cut":
            del content[at:at + draw.choice((1, 8, len(content)))]
        else:
            content[at:at] = content[at:at + draw.choice((1, 8, 64))]
        if not content:
            break
    return bytes(content)


def outcome(folder, path, draw):
    """Status, and what was wrong with the way it ended."""
    command = ("info", path) if draw.random() < 0.25 else ("solve", "--permeability", path, "-o", "o.h5")
    try:
        result = run(*command, cwd=folder, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return None, f"{command[0]}: more than {SECONDS} s"
    lines = result.err.count("\n")
    # A flipped exponent is a number like any other, and the field may then be one that no solver solves.
    refused = result.status == 2 or (result.status == 1 and "no convergence" in result.err)
    fine = result.status == 0 if lines == 0 else refused and lines == 1 and "error:" in result.err
    return result.status, "" if fine else f"{command[0]}: status {result.status}: {result.err[-500:]}"


def mutate_images(folder, count, seed=1):
    """Runs the program on so many; how many it took and refused. Fails where one ended otherwise; the image stays in the folder."""
    draw = random.Random(seed)
    images = good_images(pathlib.Path(folder))
    statuses = []
    wrong = []
    for number in range(count):
        name = draw.choice(list(images))
        path = pathlib.Path(folder) / f"{number}-{name}.vti"
        path.write_bytes(mutated(images[name], draw))
        status, complaint = outcome(folder, path.name, draw)
        statuses.append(status)
        if complaint:
            wrong.append(f"{path}: {complaint}")
        else:
            path.unlink()
    assert not wrong, "\n".join(wrong)
    return count - statuses.count(2), statuses.count(2)


@pytest.mark.needs("petsc", "vtk")
def test_mutated_images(tmp_path):
    read, refused = mutate_images(tmp_path, 60)
    assert read > 0 and refused > 0
