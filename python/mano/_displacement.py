"""One fluid displaces another in time: simulate()."""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from . import _core
from ._errors import InputError
from ._setup import Number, Side, Wells, domain, flat, fields4, lengths3, make_setup, masks4, optional_fields, split_source, text

DISPLACEMENT_ARGUMENTS = ("fluids", "viscosity_ratio", "displaced_viscosity", "corey", "end_points", "residuals", "porosity", "until", "snapshots",
                          "transport", "step_tolerance")


def make_displacement(fluids="oil-water", viscosity_ratio=None, displaced_viscosity=None, corey=None, end_points=None, residuals=None, porosity=None,
                      until=0.6, snapshots=12, transport="theta", step_tolerance=None) -> _core.Displacement:
    two = lambda pair: "" if pair is None else ",".join(map(text, pair))  # noqa: E731
    number = "" if porosity is None or np.ndim(porosity) else text(porosity)
    end = until if isinstance(until, str) else f"{text(until)}pv"
    return _core.Displacement(fluids, viscosity_ratio, displaced_viscosity, two(corey), two(end_points), two(residuals), number, end,
                              int(snapshots), transport, _core.step_tolerance if step_tolerance is None else float(step_tolerance))


class Curve(NamedTuple):
    """What flows at each of n times, [n]: at the start, and after each step of transport.

    pore_volumes (injected), time (pore volume over rate, days in metric and field units), water_cut (the injected fluid's part of all that leaves), recovery
    (displaced fluid produced, over what there was), produced (displaced fluid, volume). Of each well and of the sides left, right, bottom, top: rate into
    the rock, of both fluids, cut (the injected fluid's part of what leaves, 0 where nothing does) and, of wells, the pressure in the bore (not a number
    without a radius), [n, W] and [n, 4].
    """

    pore_volumes: np.ndarray
    time: np.ndarray
    water_cut: np.ndarray
    recovery: np.ndarray
    produced: np.ndarray
    well_rate: np.ndarray
    well_cut: np.ndarray
    well_pressure: np.ndarray
    side_rate: np.ndarray
    side_cut: np.ndarray


class StepError(NamedTuple):
    """Estimate of what finite steps do, by a second run with steps twice as long: of saturation at each snapshot (relative L2), of cut and recovery."""

    saturation: list[float]
    cut: float
    recovery: float


class Simulation:
    """A displacement. T snapshots; fields are not numbers in inactive cells."""

    __slots__ = ("_simulated", "curve", "elapsed", "pressure", "saturation", "times", "well_names")

    def __init__(self, simulated: _core.Simulated):
        self._simulated = simulated
        self.saturation: np.ndarray = flat(simulated.saturation, (1, 1))
        """Of the injected fluid, [T, ny, nx]."""
        self.pressure: np.ndarray = flat(simulated.pressure, (1, 1))
        """[T, ny, nx]"""
        self.times: np.ndarray = simulated.times
        """Of the snapshots, in pore volumes injected, [T]."""
        self.elapsed: np.ndarray = simulated.elapsed
        """The same as pore volume over rate: days in metric and field units."""
        self.curve = Curve(**simulated.curve)
        self.well_names: list[str] = simulated.well_names
        """Of the wells in `curve`."""

    @property
    def breakthrough(self) -> float:
        """Pore volumes injected when the water cut reaches 1 %; not a number where it does not."""
        return self._simulated.breakthrough

    @property
    def pore_volume(self) -> float:
        """Of the active cells, in the unit of volume of the rates."""
        return self._simulated.pore_volume

    @property
    def mass_balance_error(self) -> float:
        """The largest of a step, over what flows in."""
        return self._simulated.mass_balance_error

    @property
    def error(self) -> StepError | None:
        """Where `estimate` was asked for."""
        return None if self._simulated.error is None else StepError(*self._simulated.error)

    def __repr__(self) -> str:
        snapshots, ny, nx = self.saturation.shape
        return f"<mano.Simulation {nx}x{ny}: {snapshots} snapshots up to {self.times[-1]:g} pore volumes, recovery {self.curve.recovery[-1]:.3f}>"


def simulate(permeability, *, setup: str | None = None, wells: Wells = (), left: Side = None, right: Side = None, bottom: Side = None, top: Side = None, source=None,
             active=None, permeability_y=None, anisotropy: float | None = None, drop_islands: bool = False, size=(1.0, 1.0), units: str | None = None,
             viscosity: float | None = None, thickness: float | None = None, fluids: str = "oil-water", viscosity_ratio: float | None = None,
             displaced_viscosity: float | None = None, corey: tuple[Number, Number] | None = None, end_points: tuple[Number, Number] | None = None,
             residuals: tuple[Number, Number] | None = None, porosity=None, until: float | str = 0.6, snapshots: int = 12, transport: str = "theta",
             step_tolerance: float | None = None, tolerance: float = 1e-10, estimate: bool = False) -> Simulation:
    """Displacement of one fluid by another, incompressible and immiscible, as `mano simulate` computes it (docs/displacement.md).

    permeability ... thickness   as in solve(), of a flat grid; what is injected, by wells, sides or sources, is the displacing fluid. The set-up is
                  five-spot by default, closed where sides, a source or wells are given. Permeability is over the viscosity of the injected fluid
    fluids        oil-water, co2-brine or tracer: numbers that the next five change
    viscosity_ratio, displaced_viscosity   viscosity of the displaced fluid over that of the injected one, or by itself in cP (metric and field units, where
                  `viscosity` is that of the injected one)
    corey, end_points, residuals   of the relative permeabilities, each (injected, displaced): exponents, largest values, residual saturations
    porosity      a number, or an array [ny, nx]; 1 in consistent units, needed in others
    until, snapshots   pore volumes injected at the end (or "365d", days, in metric and field units with injection at given rates), and how many equal times
                  are kept, the last at the end
    transport, step_tolerance   theta, implicit or explicit; change of saturation in a step
    tolerance     of the snapshots' pressures, as in solve()
    estimate      runs once more with longer steps, for Simulation.error

    Raises InputError for what cannot be simulated, RunError where a solver gives up. The GIL is released; Ctrl-C ends it.
    """
    size = domain(size)
    if len(size) != 2:
        raise InputError(f"size is {size}: a displacement is of flat grids, (lx, ly)")
    k = fields4(permeability, "permeability", size)
    if len(k) != 1:
        raise InputError(f"permeability has the shape {list(np.shape(permeability))}: simulate takes one field [ny, nx]")
    number, f, setup = split_source(source, setup, size)
    made = make_setup(setup, wells, left, right, bottom, top, number, anisotropy, drop_islands, units, viscosity, thickness)
    options = make_displacement(fluids, viscosity_ratio, displaced_viscosity, corey, end_points, residuals, porosity, until, snapshots, transport,
                                step_tolerance)
    pores = optional_fields(porosity, "porosity", size) if np.ndim(porosity) else None
    return Simulation(_core.simulate(made, options, k, masks4(active, size), f, optional_fields(permeability_y, "permeability_y", size), pores, lengths3(size),
                                     tolerance, estimate))
