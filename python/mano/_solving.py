"""Permeabilities and their pressures: draw, solve, solve_many, upscale."""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from . import _core
from ._errors import InputError
from ._setup import (Side, Well, fields3, make_field, make_setup, masks3, optional_fields, precision, resolution_text, thread_count)


class FaceFlux(NamedTuple):
    """Darcy flux -k grad p through the faces, per unit length: x [ny, nx + 1] eastward, y [ny + 1, nx] northward; 0 at inactive cells."""

    x: np.ndarray
    y: np.ndarray


class WellState(NamedTuple):
    """What a well does: `cell` (i, j), `rate` into the rock, `pressure` in its bore (not a number without a radius)."""

    name: str
    cell: tuple[int, int]
    rate: float
    pressure: float


class Result:
    """A solved problem, verified: the residual is recomputed from the pressure, and the maximum principle holds."""

    __slots__ = ("_solved",)

    def __init__(self, solved: _core.Solved):
        self._solved = solved

    @property
    def pressure(self) -> np.ndarray:
        """p [ny, nx], float64, at cell centres; not a number in inactive cells. Where no pressure is given anywhere, its mean is zero."""
        return self._solved.pressure

    @property
    def flux(self) -> FaceFlux:
        return FaceFlux(*self._solved.flux)

    @property
    def wells(self) -> list[WellState]:
        """One for each well, those of a named problem first."""
        return [WellState(*well) for well in self._solved.wells]

    @property
    def outflow(self) -> dict[str, float]:
        """Flow out through each side: left, right, bottom, top."""
        return dict(zip(("left", "right", "bottom", "top"), self._solved.outflow))

    @property
    def active(self) -> np.ndarray:
        """[ny, nx], True where a cell takes part in the flow."""
        return self._solved.active.view(bool)

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
        ny, nx = self.pressure.shape
        return f"<mano.Result {nx}x{ny}: {self.iterations} iterations of {self.method}, relative residual {self.residual:.1e}>"


class Results(NamedTuple):
    """Of solve_many: pressure [N, ny, nx], residual [N], iterations [N]."""

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


def draw(field: str, *, seed: int = 0, sample: int = 0, resolution, samples: int | None = None, phases=(3.0, 12.0), mean: float = 0.0,
         deviation: float = 1.0, correlation_length=0.1, smoothness: float = 0.5, layers: int = 8, channels: int = 4,
         channel_width: float = 0.08, contrast: float = 100.0, inactive: float | None = None, size=(1.0, 1.0)):
    """A random permeability field, float64 [ny, nx].

    field       two-phase, lognormal, layered or channels; what shapes each is in docs/cli.md
    seed, sample   which one: sample i of a seed is the same physical field at every resolution
    resolution  (nx, ny), cells in x and in y, or "WxH"; the array is [ny, nx], row 0 in the south
    samples     with a number N: samples sample, ..., sample + N - 1 as [N, ny, nx]
    inactive    part of the domain that round blobs of inactive cells take; then a pair comes back, the field and the active cells
    size        (lx, ly) of the domain

    Raises InputError for an unknown kind or a parameter out of range.
    """
    spec = make_field(field, seed, phases, mean, deviation, correlation_length, smoothness, layers, channels, channel_width, contrast, inactive, size)
    if sample < 0 or (samples is not None and samples < 1):
        raise InputError(f"sample is {sample} and samples is {samples}; they must be at least 0 and 1")
    k, active = _core.draw(spec, int(sample), 1 if samples is None else int(samples), resolution_text(resolution))
    if samples is None:
        k, active = k[0], None if active is None else active[0]
    return k if active is None else (k, active.view(bool))


def solve(permeability, *, setup: str | None = None, wells: tuple[Well, ...] | list[Well] = (), left: Side = None, right: Side = None,
          bottom: Side = None, top: Side = None, source=None, active=None, permeability_y=None, anisotropy: float | None = None,
          drop_islands: bool = False, size=(1.0, 1.0), units: str | None = None, viscosity: float | None = None,
          thickness: float | None = None, tolerance: float = 1e-10) -> Result:
    """Steady Darcy flow, -div(k grad p) = f, through one permeability field.

    permeability  k [ny, nx] above zero (permeability over viscosity; mD with metric or field units), float32 or float64, any strides
    setup         benchmark (p = 0 all round, f = 1), drive (p = 1 left, 0 right), five-spot (wells in two corners) or closed (no flow, no
                  source); benchmark by default, closed where sides, a source or wells are given
    wells         a list of Well
    left, right, bottom, top   Pressure(...) or Flux(...) in place of the set-up's
    source        rate per area: a number, or an array [ny, nx]
    active        [ny, nx], False where a cell takes no part; `drop_islands` also drops active cells that nothing fixes the pressure of
    permeability_y, anisotropy   permeability along y: an array, or its ratio to that along x
    size          (lx, ly) of the domain
    units         consistent, metric (m, mD, bar, m3/day) or field (ft, mD, psi, bbl/day), with viscosity in cP and thickness of the layer
    tolerance     bound on the true relative residual, down to what rounding allows

    Raises InputError for what is no solvable problem, RunError where no method solves it. The GIL is released while it solves.
    """
    k = fields3(permeability, "permeability")
    if len(k) != 1:
        raise InputError(f"permeability has the shape {list(k.shape)}: solve takes one field [ny, nx], solve_many takes [N, ny, nx]")
    number, f = (source, None) if source is None or np.ndim(source) == 0 else (None, fields3(source, "source"))
    if f is not None and setup is None:
        setup = "closed"
    made = make_setup(setup, wells, left, right, bottom, top, number, anisotropy, drop_islands, units, viscosity, thickness)
    return Result(_core.solve(made, k, masks3(active), f, optional_fields(permeability_y, "permeability_y"), size, tolerance))


def solve_many(permeability, *, setup: str | None = None, wells=(), left: Side = None, right: Side = None, bottom: Side = None, top: Side = None,
               source=None, active=None, permeability_y=None, anisotropy: float | None = None, drop_islands: bool = False, size=(1.0, 1.0),
               units: str | None = None, viscosity: float | None = None, thickness: float | None = None, tolerance: float = 1e-10,
               threads: int | None = None, dtype=np.float64) -> Results:
    """As solve, for N fields [N, ny, nx] at once, by `threads` threads (all processors of this process by default).

    active, source and permeability_y are [ny, nx] for all, or [N, ny, nx]. dtype is that of the pressures: float64, or float32, to which
    the verified solution is rounded. An error names the number of its problem.
    """
    k = fields3(permeability, "permeability")
    number, f = (source, None) if source is None or np.ndim(source) == 0 else (None, fields3(source, "source"))
    if f is not None and setup is None:
        setup = "closed"
    made = make_setup(setup, wells, left, right, bottom, top, number, anisotropy, drop_islands, units, viscosity, thickness)
    return Results(*_core.solve_many(made, k, masks3(active), f, optional_fields(permeability_y, "permeability_y"), size, tolerance,
                                     thread_count(threads), precision(dtype) == np.float32))


def upscale(permeability, *, active=None, permeability_y=None, anisotropy: float | None = None, size=(1.0, 1.0),
            tolerance: float = 1e-10) -> Upscaled:
    """Effective permeability in x and y: the flow that a unit pressure drop drives through [ny, nx], the other two sides closed."""
    k = fields3(permeability, "permeability")
    if len(k) != 1:
        raise InputError(f"permeability has the shape {list(k.shape)}: upscale takes one field [ny, nx]")
    made = make_setup("closed", anisotropy=anisotropy)
    x, y = _core.upscale(made, k, masks3(active), optional_fields(permeability_y, "permeability_y"), size, tolerance)
    return Upscaled(Direction(*x), Direction(*y))
