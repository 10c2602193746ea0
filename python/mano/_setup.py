"""What drives the flow, and where: the arguments that solve, Stream and generate share, as the options of the program."""
from __future__ import annotations

import dataclasses
import functools
import operator
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from . import _core
from ._errors import InputError

if TYPE_CHECKING:
    import torch

Number = Union[int, float]
# What mano.torch.solve takes as tensors as well.
Given = Union[int, float, "torch.Tensor"]
Values = Union[int, float, Sequence[Any], np.ndarray, "torch.Tensor"]


def text(value: Number) -> str:
    """The shortest text that gives this number back, as people type it: 1, 0.5, 1e-05. The name of a problem depends on it."""
    number = float(value)
    return repr(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


@dataclasses.dataclass(frozen=True)
class Well:
    """A well at (x, y), in units of length of the domain.

    Either `rate`, into the rock (negative: it produces), or `bhp`, the pressure in its bore, which needs a `radius` (Peaceman's well model).
    A well of given rate with a radius has its pressure reported. `name` is W1, W2, ... by its place where it is left out. In a volume it is open in
    all layers, or in `layers`, one number or (first, last), counted from 1 at the top.
    """

    x: Given
    y: Given
    rate: Given | None = None
    bhp: Given | None = None
    radius: float | None = None
    name: str | None = None
    layers: int | tuple[int, int] | None = None

    def __post_init__(self):
        given = (self.layers, self.layers) if isinstance(self.layers, (int, np.integer)) else self.layers
        if given is not None and not (isinstance(given, (tuple, list)) and len(given) == 2 and all(isinstance(n, (int, np.integer)) for n in given)):
            raise InputError(f"layers of a well is {self.layers!r}, expected one number or (first, last), counted from 1 at the top")

    def __str__(self) -> str:
        parts = [text(self.x), text(self.y)]
        for key in ("rate", "bhp", "radius"):
            value = getattr(self, key)
            if value is not None:
                parts.append(f"{key}={text(value)}")
        if self.layers is not None:
            first, last = (self.layers, self.layers) if isinstance(self.layers, (int, np.integer)) else self.layers
            parts.append(f"layers={first}:{last}")
        if self.name is not None:
            parts.append(f"name={self.name}")
        return ",".join(parts)


@dataclasses.dataclass(frozen=True)
class RandomWells:
    """Wells of each sample's own, at random places of the domain, for generate(): the same at every resolution.

    injectors, producers   how many: a number, or (least, most)
    rate        of all injectors, shared among them at random; the producers take it out again, shared likewise, unless
    pressure    is that in their bores, which needs a `radius`
    distance    least between two wells, over the domain's shorter side
    """

    injectors: int | tuple[int, int]
    producers: int | tuple[int, int]
    rate: float | None = None
    pressure: float | None = None
    radius: float | None = None
    distance: float | None = None

    def __str__(self) -> str:
        parts = [f"{name}={':'.join(map(str, np.atleast_1d(getattr(self, name))))}" for name in ("injectors", "producers")]
        for key, value in (("rate", self.rate), ("bhp", self.pressure), ("radius", self.radius), ("distance", self.distance)):
            if value is not None:
                parts.append(f"{key}={text(value)}")
        return ",".join(parts)


@dataclasses.dataclass(frozen=True)
class Pressure:
    """A given pressure on a side: one number, or one a face (ny on left and right, nx on bottom and top), south to north, west to east.
    In a volume one number, or one a face as [nz, ny] on left and right, [nz, nx] on front and back, [ny, nx] on top and bottom."""

    values: Values

    def __str__(self) -> str:
        return "pressure=" + ",".join(map(text, np.ravel(self.values)))


@dataclasses.dataclass(frozen=True)
class Flux:
    """A given Darcy flux out through a side, per unit length: one number, or one a face."""

    values: Values

    def __str__(self) -> str:
        return "flux=" + ",".join(map(text, np.ravel(self.values)))


Side = Union[Pressure, Flux, str, None]
Wells = Union[Well, str, Sequence[Union[Well, str]]]


@functools.lru_cache(maxsize=64)
def _made(problem, sides, source, wells, anisotropy, anisotropy_z, drop_islands, units, viscosity, thickness, random_wells=""):
    return _core.Setup(problem, *sides, source, list(wells), anisotropy, anisotropy_z, drop_islands, units, viscosity, thickness, random_wells)


_BENCHMARK = _made("", ("",) * 6, "", (), None, None, False, "", None, None)


def make_setup(setup=None, wells=(), left=None, right=None, bottom=None, top=None, source=None, anisotropy=None, drop_islands=False,
               units=None, viscosity=None, thickness=None, front=None, back=None, anisotropy_z=None, random_wells=None) -> _core.Setup:
    if setup is None and not wells and random_wells is left is right is bottom is top is front is back is source is anisotropy is anisotropy_z is units is None:
        if viscosity is None and thickness is None and not drop_islands:
            return _BENCHMARK
    if isinstance(wells, (Well, str)):
        wells = (wells,)
    sides = tuple("" if s is None else str(s) for s in (left, right, bottom, top, front, back))
    number = lambda value: None if value is None else float(value)  # noqa: E731
    return _made(setup or "", sides, "" if source is None else text(source), tuple(map(str, wells)), number(anisotropy), number(anisotropy_z),
                 bool(drop_islands), units or "", viscosity, thickness, "" if random_wells is None else str(random_wells))


SETUP_ARGUMENTS = ("setup", "wells", "left", "right", "bottom", "top", "source", "anisotropy", "drop_islands", "units", "viscosity", "thickness", "front", "back",
                   "anisotropy_z")
FIELD_ARGUMENTS = ("phases", "mean", "deviation", "correlation_length", "smoothness", "layers", "channels", "channel_width", "contrast", "inactive",
                   "size")


def split_arguments(function: str, arguments: dict) -> tuple[dict, dict]:
    """Those of the field and those of the set-up; others are refused as Python refuses them."""
    unknown = [name for name in arguments if name not in SETUP_ARGUMENTS and name not in FIELD_ARGUMENTS]
    if unknown:
        raise TypeError(f"{function}() got an unexpected keyword argument '{unknown[0]}'")
    return ({k: v for k, v in arguments.items() if k in FIELD_ARGUMENTS}, {k: v for k, v in arguments.items() if k in SETUP_ARGUMENTS})


def make_field(kind: str, seed: int, phases=(3.0, 12.0), mean=0.0, deviation=1.0, correlation_length=None, smoothness=0.5, layers=8, channels=4,
               channel_width=0.08, contrast=100.0, inactive=None, size=(1.0, 1.0)) -> _core.Field:
    if seed < 0:
        raise InputError(f"seed is {seed}; it must not be negative")
    if inactive is not None and (isinstance(inactive, str) or np.ndim(inactive) != 0):
        raise InputError(f"inactive is {inactive!r}, expected the part of the domain that is inactive, such as 0.2")
    lengths = "" if correlation_length is None else "x".join(map(text, np.atleast_1d(correlation_length)))
    size = domain(size)
    plain = size == (1, 1)
    return _core.Field(kind, int(seed), tuple(map(float, phases)), float(mean), float(deviation), lengths, float(smoothness),
                       int(layers), int(channels), float(channel_width), float(contrast), "" if inactive is None else f"blobs:{text(inactive)}",
                       "" if plain else "x".join(map(text, size)))


def domain(size) -> tuple[float, ...]:
    """(lx, ly), or of a volume (lx, ly, lz)."""
    if np.shape(size) not in ((2,), (3,)):
        raise InputError(f"size is {size}, expected (lx, ly), or (lx, ly, lz) of a volume")
    return tuple(size)


def lengths3(size) -> tuple[float, float, float]:
    return (*map(float, domain(size)), 1.0)[:3]


def resolution_text(resolution) -> str:
    """(nx, ny) or "WxH", cells in x and in y; of a volume (nx, ny, nz) or "WxHxD"."""
    if isinstance(resolution, str):
        return resolution
    try:
        cells = [operator.index(n) for n in resolution]
    except (TypeError, ValueError):
        cells = []
    if len(cells) not in (2, 3):
        raise InputError(f"resolution is {resolution!r}, expected (nx, ny), cells in x and in y, such as (64, 32), or (nx, ny, nz) of a volume")
    return "x".join(map(str, cells))


def fields4(array, name: str, size=(1.0, 1.0), dtype=np.float64) -> np.ndarray:
    """Contiguous [N, nz, ny, nx] of flat fields [ny, nx] or [N, ny, nx] (nz = 1), or, where `size` has three lengths, of volumes [nz, ny, nx] or
    [N, nz, ny, nx]; no copy where it is so already."""
    a = np.asarray(array)
    volume = len(size) == 3
    one = 3 if volume else 2
    wrong = a.ndim not in (one, one + 1) or a.size == 0 or not (np.issubdtype(a.dtype, np.number) or a.dtype == bool) or np.iscomplexobj(a)
    if wrong:
        shapes = "[nz, ny, nx] or [N, nz, ny, nx]" if volume else "[ny, nx] or [N, ny, nx] (volumes need size=(lx, ly, lz))"
        raise InputError(f"{name} is an array of {a.dtype} of the shape {list(np.shape(array))}, expected numbers {shapes}")
    if a.ndim == one:
        a = a[None]
    if volume and a.shape[1] == 1:
        raise InputError(f"{name} has the shape {list(np.shape(array))} and size three lengths: a volume of one layer is a flat grid; pass [ny, nx] and (lx, ly)")
    return np.ascontiguousarray(a if volume else a[:, None], dtype)


def optional_fields(array, name: str, size=(1.0, 1.0), dtype=np.float64) -> np.ndarray | None:
    return None if array is None else fields4(array, name, size, dtype)


def flat(array: np.ndarray | None, size) -> np.ndarray | None:
    """What mano gives as [..., nz, ny, nx] without the axis that a flat grid does not have."""
    return array if array is None or len(size) == 3 else array.reshape(*array.shape[:-3], *array.shape[-2:])


def masks4(array, size=(1.0, 1.0)) -> np.ndarray | None:
    """Active cells as 0 and 1."""
    if array is None:
        return None
    a = np.asarray(array)
    if a.dtype != bool:
        wrong = ~((a == 0) | (a == 1))
        if wrong.any():
            raise InputError(f"active holds {a[wrong].flat[0]}, expected 1 (active) and 0 (inactive), or True and False")
    return fields4(a, "active", size, np.uint8)


def faces_of(shape, size) -> dict[str, tuple[int, ...]]:
    """Faces of each side along the axes it lies in: [ny] or [nx], of a volume [nz, ny], [nz, nx] or [ny, nx]."""
    *nz, ny, nx = shape
    across_z = (ny, nx) if len(size) == 3 else (nx,)
    return {"left": (*nz, ny), "right": (*nz, ny), "front": (*nz, nx), "back": (*nz, nx), "top": across_z, "bottom": across_z}


def check_values(side: str, values: tuple[int, ...], faces: tuple[int, ...]) -> None:
    """Values of a side are one number, one a face, or as many in one row."""
    if values not in ((), (1,), faces, (int(np.prod(faces)),)):
        raise InputError(f"side {side} has values of the shape {list(values)}, expected one number, or one a face {list(faces)}")


def check_sides(shape, size, **sides) -> None:
    for name, side in sides.items():
        if isinstance(side, (Pressure, Flux)):
            check_values(name, np.shape(side.values), faces_of(shape, size)[name])


def check_one_of(field, ratio, axis: str) -> None:
    """Of the permeability along y or z either an array or its ratio is given."""
    if field is not None and ratio is not None:
        raise InputError(f"permeability_{axis} and anisotropy{'' if axis == 'y' else '_z'} exclude each other")


def optional_along(field, ratio, axis: str, size) -> np.ndarray | None:
    """permeability_y or _z as fields4 returns it."""
    check_one_of(field, ratio, axis)
    return optional_fields(field, f"permeability_{axis}", size)


def split_source(source, setup: str | None, size) -> tuple[Number | None, np.ndarray | None, str | None]:
    """A source as number or array, and the set-up: closed where an array alone drives the flow."""
    if source is None or np.ndim(source) == 0:
        return source, None, setup
    return None, fields4(source, "source", size), setup or "closed"


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
