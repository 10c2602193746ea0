"""Trained models of displacements: load_displacement(run). They need torch as those of steady flow do (_model.py)."""
from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple, Union

import numpy as np

from ._errors import InputError
from ._model import Loaded, _mask
from ._setup import Well, fields4

OwnWells = Union[Well, Sequence[Well], Sequence[Sequence[Well]], np.ndarray, None]


class DisplacementPrediction(NamedTuple):
    """A predicted displacement at T times; of N rocks every array has N in front, and unlike_training is a list for each.

    saturation, pressure   [T, ny, nx], not a number in inactive cells
    water_cut, recovery    [T]: the injected fluid's part of all that leaves; displaced fluid produced, over what there was
    times                  [T], pore volumes injected
    half_width             of the interval about the saturations that is meant to hold 90 % of them; not a number where the model has none
    unlike_training        in what rock and wells are unlike those of training, in words; None where the model does not know
    """

    saturation: np.ndarray
    pressure: np.ndarray
    water_cut: np.ndarray
    recovery: np.ndarray
    times: np.ndarray
    half_width: Any
    unlike_training: Any


def _numbers(well: Any) -> list[float]:
    if not isinstance(well, Well):
        raise InputError(f"wells holds {well!r}, expected mano.Well, or numbers [W, 5] as Sample.wells has them")
    if well.layers is not None:
        raise InputError("layers of a well are for volumes, a model of displacements takes flat grids")
    given = lambda value: np.nan if value is None else float(value)  # noqa: E731
    return [float(well.x), float(well.y), given(well.rate), given(well.bhp), 0.0 if well.radius is None else float(well.radius)]


def _table(wells: OwnWells) -> np.ndarray | None:
    """[N, W, 5] or, for all rocks, [1, W, 5]: x, y, rate, pressure, radius, not a number where not given and in rows beyond the last."""
    if wells is None:
        return None
    if isinstance(wells, np.ndarray) and wells.dtype != object:
        table = np.asarray(wells, np.float64)
        if table.ndim not in (2, 3) or table.shape[-1] != 5:
            raise InputError(f"wells is an array of the shape {list(table.shape)}, expected [W, 5] or [N, W, 5]")
        return np.ascontiguousarray(table if table.ndim == 3 else table[None])
    if isinstance(wells, Well):
        wells = [wells]
    if not isinstance(wells, Sequence) or isinstance(wells, str):
        raise InputError(f"wells is {wells!r}, expected a list of mano.Well, or numbers [W, 5] as Sample.wells has them")
    groups = list(wells)
    if not groups or not isinstance(groups[0], (list, tuple)):
        groups = [groups]
    rows = [[_numbers(well) for well in group] for group in groups]
    table = np.full((len(rows), max(1, *map(len, rows)), 5), np.nan)
    for i, group in enumerate(rows):
        table[i, : len(group)] = np.reshape(group, (len(group), 5))
    return table


class DisplacementModel(Loaded):
    """A trained surrogate of displacements: rock and wells to saturation and pressure at all times, at any resolution. Made by load_displacement()."""

    kind = "DisplacementModel"

    @property
    def card(self) -> dict:
        """What the checkpoint says of itself, as Model.card; and times (pore volumes injected), displacement (JSON: fluids, what drives the flow),
        takes_wells."""
        return self._model.card

    def predict(self, permeability: Any, *, wells: OwnWells = None, active: Any = None, times: float | Sequence[float] = (), method: str = "multigrid") -> DisplacementPrediction:
        """Displacements in rocks [ny, nx] or [N, ny, nx].

        wells     of a model that was trained on wells of each sample's own (card["takes_wells"]), and of no other: a list of mano.Well for all rocks, a
                  list of such lists, one for each, or numbers as Sample.wells has them
        active    [ny, nx] or [N, ny, nx], for models that were trained with inactive cells
        times     pore volumes injected, above 0 up to the last of training; card["times"] by default
        method    multigrid (the network on its own grid), or for comparison direct or interleaved
        """
        k = fields4(permeability, "permeability")[:, 0]
        found = DisplacementPrediction(*self._model.predict(k, _mask(active), _table(wells), [float(t) for t in np.atleast_1d(times)], method))
        if np.ndim(permeability) == 3:
            return found
        return DisplacementPrediction(*(a[0] for a in found[:4]), found.times, float(found.half_width[0]), found.unlike_training[0])

    def __repr__(self) -> str:
        c = self.card
        return f"<mano.DisplacementModel {self.path}: {c['model']}, {c['parameters']} parameters, {len(c['times'])} times, trained at {c['resolutions']}>"


def load_displacement(run: str | os.PathLike, device: str = "cpu") -> DisplacementModel:
    """A trained model of displacements from a RUN folder or checkpoint; errors as load()'s. InputError where it predicts steady flow."""
    return DisplacementModel(run, device)
