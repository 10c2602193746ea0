"""What drives the flow, and where: the arguments that solve, Stream and generate share, as the options of the program."""
from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Sequence
from typing import Union

import numpy as np

from . import _core
from ._errors import InputError

Number = Union[int, float]


def text(value: Number) -> str:
    """The shortest text that gives this number back, as people type it: 1, 0.5, 1e-05. The name of a problem depends on it."""
    number = float(value)
    return repr(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


@dataclasses.dataclass(frozen=True)
class Well:
    """A well at (x, y), in units of length of the domain.

    Either `rate`, into the rock (negative: it produces), or `bhp`, the pressure in its bore, which needs a `radius` (Peaceman's well model).
    A well of given rate with a radius has its pressure reported. `name` is W1, W2, ... by its place where it is left out.
    """

    x: float
    y: float
    rate: float | None = None
    bhp: float | None = None
    radius: float | None = None
    name: str | None = None

    def __str__(self) -> str:
        parts = [text(self.x), text(self.y)]
        for key in ("rate", "bhp", "radius"):
            value = getattr(self, key)
            if value is not None:
                parts.append(f"{key}={text(value)}")
        if self.name is not None:
            parts.append(f"name={self.name}")
        return ",".join(parts)


@dataclasses.dataclass(frozen=True)
class Pressure:
    """A given pressure on a side: one number, or one a face (ny on left and right, nx on bottom and top), south to north, west to east."""

    values: Number | Sequence[Number]

    def __str__(self) -> str:
        return "pressure=" + ",".join(map(text, np.atleast_1d(self.values)))


@dataclasses.dataclass(frozen=True)
class Flux:
    """A given Darcy flux out through a side, per unit length: one number, or one a face."""

    values: Number | Sequence[Number]

    def __str__(self) -> str:
        return "flux=" + ",".join(map(text, np.atleast_1d(self.values)))


Side = Union[Pressure, Flux, str, None]


@functools.lru_cache(maxsize=64)
def _made(problem, left, right, bottom, top, source, wells, anisotropy, drop_islands, units, viscosity, thickness):
    return _core.Setup(problem, left, right, bottom, top, source, list(wells), anisotropy, drop_islands, units, viscosity, thickness)


_BENCHMARK = _made("", "", "", "", "", "", (), None, False, "", None, None)


def make_setup(setup=None, wells=(), left=None, right=None, bottom=None, top=None, source=None, anisotropy=None, drop_islands=False,
               units=None, viscosity=None, thickness=None) -> _core.Setup:
    if setup is None and not wells and left is right is bottom is top is source is anisotropy is units is None and not drop_islands:
        if viscosity is None and thickness is None:
            return _BENCHMARK
    if isinstance(wells, (Well, str)):
        wells = (wells,)
    side = lambda s: "" if s is None else str(s)  # noqa: E731
    return _made(setup or "", side(left), side(right), side(bottom), side(top), "" if source is None else text(source),
                 tuple(map(str, wells)), None if anisotropy is None else float(anisotropy), bool(drop_islands), units or "", viscosity, thickness)


SETUP_ARGUMENTS = ("setup", "wells", "left", "right", "bottom", "top", "source", "anisotropy", "drop_islands", "units", "viscosity", "thickness")
FIELD_ARGUMENTS = ("phases", "mean", "deviation", "correlation_length", "smoothness", "layers", "channels", "channel_width", "contrast", "inactive",
                   "size")


def split_arguments(function: str, arguments: dict) -> tuple[dict, dict]:
    """Those of the field and those of the set-up; others are refused as Python refuses them."""
    unknown = [name for name in arguments if name not in SETUP_ARGUMENTS and name not in FIELD_ARGUMENTS]
    if unknown:
        raise TypeError(f"{function}() got an unexpected keyword argument '{unknown[0]}'")
    return ({k: v for k, v in arguments.items() if k in FIELD_ARGUMENTS}, {k: v for k, v in arguments.items() if k in SETUP_ARGUMENTS})


def make_field(kind: str, seed: int, phases=(3.0, 12.0), mean=0.0, deviation=1.0, correlation_length=0.1, smoothness=0.5, layers=8, channels=4,
               channel_width=0.08, contrast=100.0, inactive=None, size=(1.0, 1.0)) -> _core.Field:
    if seed < 0:
        raise InputError(f"seed is {seed}; it must not be negative")
    if np.shape(size) != (2,):
        raise InputError(f"size is {size}, expected (lx, ly): volumes are made by python -m mano")
    lengths = (correlation_length, correlation_length) if np.isscalar(correlation_length) else tuple(correlation_length)
    return _core.Field(kind, int(seed), tuple(map(float, phases)), float(mean), float(deviation), tuple(map(float, lengths)), float(smoothness),
                       int(layers), int(channels), float(channel_width), float(contrast), "" if inactive is None else f"blobs:{text(inactive)}",
                       "" if tuple(size) == (1, 1) else f"{text(size[0])}x{text(size[1])}")


def resolution_text(resolution) -> str:
    """(nx, ny) or "WxH", cells in x and in y."""
    if isinstance(resolution, str):
        if resolution.count("x") > 1:
            raise InputError(f"resolution is '{resolution}', expected (nx, ny) or \"WxH\": volumes are made by python -m mano")
        return resolution
    try:
        nx, ny = resolution
        return f"{int(nx)}x{int(ny)}"
    except (TypeError, ValueError):
        raise InputError(f"resolution is {resolution!r}, expected (nx, ny): cells in x and in y, such as (64, 32)") from None


def fields3(array, name: str, dtype=np.float64) -> np.ndarray:
    """[ny, nx] or [N, ny, nx] as contiguous [N, ny, nx]; no copy where it is so already."""
    a = np.asarray(array)
    if a.ndim == 2:
        a = a[None]
    if a.ndim != 3 or a.size == 0 or not (np.issubdtype(a.dtype, np.number) or a.dtype == bool) or np.iscomplexobj(a):
        raise InputError(f"{name} is an array of {a.dtype} of the shape {list(np.shape(array))}, expected numbers [ny, nx] or [N, ny, nx]")
    return np.ascontiguousarray(a, dtype)


def optional_fields(array, name: str, dtype=np.float64) -> np.ndarray | None:
    return None if array is None else fields3(array, name, dtype)


def masks3(array) -> np.ndarray | None:
    """Active cells as 0 and 1."""
    if array is None:
        return None
    a = np.asarray(array)
    if a.dtype != bool:
        wrong = ~((a == 0) | (a == 1))
        if wrong.any():
            raise InputError(f"active holds {a[wrong].flat[0]}, expected 1 (active) and 0 (inactive), or True and False")
    return fields3(a, "active", np.uint8)


def thread_count(threads: int | None) -> int:
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if threads < 1:
        raise InputError(f"threads is {threads}; it must be at least 1")
    return int(threads)


def precision(dtype) -> np.dtype:
    found = np.dtype(dtype)
    if found not in (np.float32, np.float64):
        raise InputError(f"dtype is {found}, expected float32 or float64")
    return found
