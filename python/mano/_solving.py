"""Permeabilities and their pressures: draw, solve, solve_many, upscale."""
from __future__ import annotations

from typing import Any, NamedTuple, overload

import numpy as np

from . import _core
from ._errors import InputError
from ._setup import (Side, Wells, check_sides, domain, fields4, flat, lengths3, make_field, make_setup, masks4, optional_along, precision, resolution_text,
                     split_source, thread_count)


class FaceFlux(NamedTuple):
    """Darcy flux -k grad p through the faces, per unit length: x [ny, nx + 1] eastward, y [ny + 1, nx] northward; 0 at inactive cells.
    Of a volume per area: x [nz, ny, nx + 1], y [nz, ny + 1, nx], z [nz + 1, ny, nx] downward."""

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray | None = None


class WellState(NamedTuple):
    """What a well does: `cell` (i, j), `rate` into the rock, `pressure` in its bore (not a number without a radius). In a volume
    `layers` are (number from 1 at the top, rate) of each that it is open in, else empty."""

    name: str
    cell: tuple[int, int]
    rate: float
    pressure: float
    layers: list[tuple[int, float]]


class Result:
    """A solved problem, verified: the residual is recomputed from the pressure, and the maximum principle holds."""

    __slots__ = ("_size", "_solved")

    def __init__(self, solved: _core.Solved, size=(1.0, 1.0)):
        self._solved, self._size = solved, size

    @property
    def pressure(self) -> np.ndarray:
        """p [ny, nx], of a volume [nz, ny, nx], float64, at cell centres; not a number in inactive cells. Where no pressure is given anywhere,
        its mean is zero."""
        return flat(self._solved.pressure, self._size)

    @property
    def flux(self) -> FaceFlux:
        return FaceFlux(*(flat(u, self._size) for u in self._solved.flux))

    @property
    def wells(self) -> list[WellState]:
        """One for each well, those of a named problem first."""
        return [WellState(*well) for well in self._solved.wells]

    @property
    def outflow(self) -> dict[str, float]:
        """Flow out through each side: left, right, bottom, top; of a volume left, right, front, back, top, bottom."""
        volume = len(self._size) == 3
        return dict(zip(("left", "right", "front", "back", "top", "bottom") if volume else ("left", "right", "bottom", "top"), self._solved.outflow))

    @property
    def active(self) -> np.ndarray:
        """As the pressure, True where a cell takes part in the flow."""
        return flat(self._solved.active.view(bool)[0], self._size)

    @property
    def residual(self) -> float:
        """|rhs - A p| / |rhs|, recomputed from the pressure."""
        return self._solved.residual

    @property
    def iterations(self) -> int:
        return self._solved.iterations

    @property
    def method(self) -> str:
        """That found the pressure: multigrid, or one of PETSc's where that did not suffice."""
        return self._solved.method

    @property
    def mass_balance_error(self) -> float:
        """|what flows in - what flows out| over what flows in."""
        return self._solved.mass_balance_error

    def __repr__(self) -> str:
        return f"<mano.Result {'x'.join(map(str, self.pressure.shape[::-1]))}: {self.iterations} iterations of {self.method}, relative residual {self.residual:.1e}>"


class Results(NamedTuple):
    """Of solve_many: pressure [N, ny, nx] or [N, nz, ny, nx], residual [N], iterations [N]."""

    pressure: np.ndarray
    residual: np.ndarray
    iterations: np.ndarray


class Direction(NamedTuple):
    """Permeability in one direction: effective, and three means that bound or approximate it."""

    effective: float
    harmonic_mean: float
    geometric_mean: float
    arithmetic_mean: float


class Upscaled(NamedTuple):
    x: Direction
    y: Direction
    z: Direction | None = None
    """Of a volume."""


@overload
def draw(field: str, *, resolution: Any, inactive: None = None, seed: int = ..., sample: int = ..., samples: int | None = ..., phases: Any = ..., mean: float = ...,
         deviation: float = ..., correlation_length: Any = ..., smoothness: float = ..., layers: int = ..., channels: int = ..., channel_width: float = ...,
         contrast: float = ..., size: Any = ...) -> np.ndarray: ...


@overload
def draw(field: str, *, resolution: Any, inactive: float, seed: int = ..., sample: int = ..., samples: int | None = ..., phases: Any = ..., mean: float = ...,
         deviation: float = ..., correlation_length: Any = ..., smoothness: float = ..., layers: int = ..., channels: int = ..., channel_width: float = ...,
         contrast: float = ..., size: Any = ...) -> tuple[np.ndarray, np.ndarray]: ...


def draw(field: str, *, seed: int = 0, sample: int = 0, resolution, samples: int | None = None, phases=(3.0, 12.0), mean: float = 0.0,
         deviation: float = 1.0, correlation_length=None, smoothness: float = 0.5, layers: int = 8, channels: int = 4,
         channel_width: float = 0.08, contrast: float = 100.0, inactive: float | None = None, size=(1.0, 1.0)):
    """A random permeability field, float64 [ny, nx]; a volume [nz, ny, nx].

    field       two-phase, lognormal, layered or channels; what shapes each is in docs/cli.md
    seed, sample   which one: sample i of a seed is the same physical field at every resolution
    resolution  (nx, ny), cells in x and in y, or "WxH"; the array is [ny, nx], row 0 in the south. (nx, ny, nz) or "WxHxD" is a volume, an array
                [nz, ny, nx], layer 0 on top
    samples     with a number N: samples sample, ..., sample + N - 1 as [N, ny, nx]
    inactive    part of the domain that round blobs of inactive cells take; then a pair comes back, the field and the active cells
    size        (lx, ly) of the domain, (lx, ly, lz) of a volume
    correlation_length   in units of the domain: of two-phase rock one number (None: 1/3), of lognormal rock one, or one in each direction (None: 0.1)

    Raises InputError for an unknown kind or a parameter out of range.
    """
    spec = make_field(field, seed, phases, mean, deviation, correlation_length, smoothness, layers, channels, channel_width, contrast, inactive, size)
    if sample < 0 or (samples is not None and samples < 1):
        raise InputError(f"sample is {sample} and samples is {samples}; they must be at least 0 and 1")
    cells = resolution_text(resolution)
    k, active = _core.draw(spec, int(sample), 1 if samples is None else int(samples), cells)
    shape = (1.0,) * (cells.count("x") + 1)
    k, active = flat(k, shape), flat(active, shape)
    if samples is None:
        k, active = k[0], None if active is None else active[0]
    return k if active is None else (k, active.view(bool))


def solve(permeability, *, setup: str | None = None, wells: Wells = (), left: Side = None, right: Side = None,
          bottom: Side = None, top: Side = None, front: Side = None, back: Side = None, source=None, active=None, permeability_y=None, permeability_z=None,
          anisotropy: float | None = None, anisotropy_z: float | None = None, drop_islands: bool = False, size=(1.0, 1.0), units: str | None = None,
          viscosity: float | None = None, thickness: float | None = None, tolerance: float = 1e-10) -> Result:
    """Steady Darcy flow, -div(k grad p) = f, through one permeability field.

    permeability  k [ny, nx], or, where size has three lengths, a volume [nz, ny, nx], layer 0 on top; above zero (permeability over
                  viscosity; mD with metric or field units), float32 or float64, any strides
    setup         benchmark (p = 0 all round, f = 1), drive (p = 1 left, 0 right), five-spot (wells in two corners) or closed (no flow, no
                  source); benchmark by default, closed where sides, a source or wells are given
    wells         a list of Well
    left, right, bottom, top   Pressure(...) or Flux(...) in place of the set-up's; of a volume bottom and top are across z, front and back
                  across y (in a flat grid other names of bottom and top)
    source        rate per area: a number, or an array [ny, nx]
    active        [ny, nx], False where a cell takes no part; `drop_islands` also drops active cells that nothing fixes the pressure of
    permeability_y, anisotropy   permeability along y: an array, or its ratio to that along x; permeability_z, anisotropy_z of a volume along z
    size          (lx, ly) of the domain, (lx, ly, lz) of a volume
    units         consistent, metric (m, mD, bar, m3/day) or field (ft, mD, psi, bbl/day), with viscosity in cP and thickness of the layer
    tolerance     bound on the true relative residual, down to what rounding allows

    Raises InputError for what is no solvable problem, RunError where no method solves it. The GIL is released while it solves.
    """
    size = domain(size)
    k = fields4(permeability, "permeability", size)
    if len(k) != 1:
        raise InputError(f"permeability has the shape {list(np.shape(permeability))}: solve takes one field [ny, nx], or with size=(lx, ly, lz) one volume "
                         "[nz, ny, nx]; solve_many takes several")
    number, f, setup = split_source(source, setup, size)
    check_sides(k.shape[4 - len(size):], size, left=left, right=right, bottom=bottom, top=top, front=front, back=back)
    made = make_setup(setup, wells, left, right, bottom, top, number, anisotropy, drop_islands, units, viscosity, thickness, front, back, anisotropy_z)
    return Result(_core.solve(made, k, masks4(active, size), f, optional_along(permeability_y, anisotropy, "y", size),
                              optional_along(permeability_z, anisotropy_z, "z", size), lengths3(size), tolerance), size)


def solve_many(permeability, *, setup: str | None = None, wells: Wells = (), left: Side = None, right: Side = None, bottom: Side = None, top: Side = None,
               front: Side = None, back: Side = None, source=None, active=None, permeability_y=None, permeability_z=None,
               anisotropy: float | None = None, anisotropy_z: float | None = None, drop_islands: bool = False, size=(1.0, 1.0),
               units: str | None = None, viscosity: float | None = None, thickness: float | None = None, tolerance: float = 1e-10,
               threads: int | None = None, dtype=np.float64) -> Results:
    """As solve, for N fields [N, ny, nx], or with three lengths in size N volumes [N, nz, ny, nx], at once, by `threads` threads (all
    processors of this process by default).

    active, source and permeability_y are one field for all, or one each. dtype is that of the pressures: float64, or float32, to which
    the verified solution is rounded. An error names the number of its problem.
    """
    size = domain(size)
    k = fields4(permeability, "permeability", size)
    number, f, setup = split_source(source, setup, size)
    check_sides(k.shape[4 - len(size):], size, left=left, right=right, bottom=bottom, top=top, front=front, back=back)
    made = make_setup(setup, wells, left, right, bottom, top, number, anisotropy, drop_islands, units, viscosity, thickness, front, back, anisotropy_z)
    pressure, residual, iterations = _core.solve_many(made, k, masks4(active, size), f, optional_along(permeability_y, anisotropy, "y", size),
                                                      optional_along(permeability_z, anisotropy_z, "z", size), lengths3(size), tolerance,
                                                      thread_count(threads), precision(dtype) == np.float32)
    return Results(flat(pressure, size), residual, iterations)


def upscale(permeability, *, active=None, permeability_y=None, permeability_z=None, anisotropy: float | None = None, anisotropy_z: float | None = None,
            size=(1.0, 1.0), tolerance: float = 1e-10) -> Upscaled:
    """Effective permeability in x and y, of a volume [nz, ny, nx] (three lengths in size) in z as well: the flow that a unit pressure drop drives
    through it, the other sides closed."""
    size = domain(size)
    k = fields4(permeability, "permeability", size)
    if len(k) != 1:
        raise InputError(f"permeability has the shape {list(np.shape(permeability))}: upscale takes one field [ny, nx] or volume [nz, ny, nx]")
    made = make_setup("closed", anisotropy=anisotropy, anisotropy_z=anisotropy_z)
    found = _core.upscale(made, k, masks4(active, size), optional_along(permeability_y, anisotropy, "y", size),
                          optional_along(permeability_z, anisotropy_z, "z", size), lengths3(size), tolerance)
    return Upscaled(*(Direction(*direction) for direction in found))
