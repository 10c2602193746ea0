"""Datasets of mano: read as NumPy arrays or xarray, made by generate()."""
from __future__ import annotations

import json
import operator
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from . import _core
from ._displacement import DISPLACEMENT_ARGUMENTS, make_displacement
from ._errors import InputError, MissingPart
from ._setup import (RandomWells, flat, make_field, make_setup, precision, resolution_text, split_arguments, thread_count)


class Sample(NamedTuple):
    """One sample of a dataset or stream, [ny, nx], or several, [N, ny, nx]: then the numbers are arrays as well. Volumes are [nz, ny, nx], layer 0 on top.

    pressure is not a number in inactive cells; active is None where all cells of all samples are. residual is the true relative residual.
    wells are those of each sample's own, [W, 5]: x, y, rate, pressure, radius, not a number where not given and in rows beyond the last; W is 0 where the
    dataset has no such wells.
    """

    permeability: np.ndarray
    pressure: np.ndarray
    active: np.ndarray | None
    seed: Any
    sample: Any
    residual: Any
    iterations: Any
    solver: Any
    wells: np.ndarray


class DisplacementSample(NamedTuple):
    """One sample of a dataset of displacements, or several, with N before the shapes below. T times, Dataset.times.

    saturation (of the injected fluid) and pressure are [T, ny, nx], not a number in inactive cells; permeability and active [ny, nx].
    water_cut (the injected fluid's part of what leaves), recovery (displaced fluid produced, over what there was) and elapsed_time (pore volume over
    rate, days in metric and field units) are [T]. breakthrough is in pore volumes injected, not a number where there is none.
    residual is the largest mass balance error of a step; wells as in Sample.
    """

    permeability: np.ndarray
    saturation: np.ndarray
    pressure: np.ndarray
    active: np.ndarray | None
    water_cut: np.ndarray
    recovery: np.ndarray
    elapsed_time: np.ndarray
    breakthrough: Any
    seed: Any
    sample: Any
    residual: Any
    iterations: Any
    solver: Any
    wells: np.ndarray


class Dataset:
    """A dataset file, open for reading: `data[i]` is a Sample, `data[a:b]` and `data[[i, j]]` are several; iteration goes sample by sample. Of steady
    flow, flat or in volumes, and of displacements, whose samples are DisplacementSample.

    Values have the file's precision. Every byte is checked as it is read. A Dataset can be pickled and used in forked and spawned workers:
    each process opens the file for itself. Raises InputError where the file is missing, damaged, or no dataset of mano.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = os.fspath(path)
        self._open()

    def _open(self) -> None:
        self._reader = _core.DatasetReader(self.path)
        self._process = os.getpid()
        self._info = self._reader.info

    def _ready(self) -> _core.DatasetReader:
        if self._process != os.getpid():  # a forked worker shares no file position with its parent
            self._open()
        return self._reader

    def __getstate__(self):
        return {"path": self.path}

    def __setstate__(self, state):
        self.__init__(state["path"])

    def __len__(self) -> int:
        return self._info["samples"]

    @property
    def resolution(self) -> tuple[int, ...]:
        """(nx, ny), of volumes (nx, ny, nz)."""
        return self._info["resolution"]

    @property
    def size(self) -> tuple[float, ...]:
        """(lx, ly) of the domain, of volumes (lx, ly, lz)."""
        return self._info["size"]

    @property
    def times(self) -> np.ndarray | None:
        """Of displacements, in pore volumes injected, [T]; None for steady flow."""
        return np.array(self._info["times"]) if self._info["times"] else None

    @property
    def setup(self) -> str:
        """The name of the problem; unknown for imported data, custom-HASH where options changed a named one."""
        return self._info["setup"]

    @property
    def configuration(self) -> dict[str, Any]:
        """Everything that the data depend on."""
        return json.loads(self._info["configuration"]) if self._info["configuration"] else {}

    @property
    def info(self) -> dict[str, Any]:
        """field, location (cell or node), origin, tolerance, dtype, units and their names, has_inactive, version, and the above; of displacements also
        `displacement`: fluids, porosity and what drives the flow."""
        displacement = json.loads(self._info["displacement"]) if self._info["displacement"] else None
        return {**self._info, "times": self.times, "displacement": displacement, "configuration": self.configuration}

    @property
    def x(self) -> np.ndarray:
        """Coordinates of the columns, [nx]."""
        return self._coordinates(0)

    @property
    def y(self) -> np.ndarray:
        """Coordinates of the rows, [ny], south to north."""
        return self._coordinates(1)

    @property
    def z(self) -> np.ndarray | None:
        """Depths of the layers' middles, [nz], downwards; None for flat grids."""
        return self._coordinates(2) if len(self.resolution) == 3 else None

    def _coordinates(self, axis: int) -> np.ndarray:
        n, length, start = self.resolution[axis], self.size[axis], self._info["origin"][axis]
        shift = 0.5 if self._info["location"] == "cell" else 0.0
        return start + (np.arange(n) + shift) * length / n

    def _read(self, indices) -> Sample | DisplacementSample:
        parts = self._ready().read(indices)
        for name in {"permeability", "pressure", "active", "saturation"} & parts.keys():
            parts[name] = flat(parts[name], self.resolution)
        if parts["active"] is not None:
            parts["active"] = parts["active"].view(bool)
        if self.times is None:
            return Sample(**parts)
        for name in ("saturation", "pressure"):
            parts[name] = parts[name].reshape(len(indices), len(self.times), *parts[name].shape[-2:])
        return DisplacementSample(**parts)

    def __getitem__(self, index) -> Sample | DisplacementSample:
        if isinstance(index, slice):
            return self._read(list(range(*index.indices(len(self)))))
        if np.ndim(index) == 1:
            chosen = np.asarray(index)
            if chosen.dtype == bool:
                if len(chosen) != len(self):
                    raise InputError(f"{self.path}: the mask of samples has {len(chosen)} entries, the dataset {len(self)} samples")
                chosen = np.flatnonzero(chosen)
            return self._read([self._index(i) for i in chosen])
        several = self._read([self._index(index)])
        return type(several)(*(None if part is None else part[0] for part in several))

    def _index(self, index) -> int:
        i = operator.index(index)
        if not -len(self) <= i < len(self):
            raise IndexError(f"{self.path} holds {len(self)} samples, number {i} was asked for")
        return i % len(self)

    def __iter__(self) -> Iterator[Sample | DisplacementSample]:
        return (self[i] for i in range(len(self)))

    def to_xarray(self) -> Any:
        """All of it as an xarray.Dataset with dimensions sample, (time,) (z,) y, x, coordinates, and units as attributes where the file has them."""
        try:
            import xarray
        except ImportError:
            raise MissingPart("to_xarray needs xarray: pip install xarray") from None
        s = self[:]
        grid = ("z", "y", "x")[-len(self.resolution):]
        units = {"permeability": self._info["unit_of_permeability"], "pressure": self._info["unit_of_pressure"]}
        variables = {}
        for name, values in s._asdict().items():
            if values is None or name == "sample" or (name == "wells" and values.size == 0):
                continue
            values = np.asarray(values)
            fields = name in ("permeability", "pressure", "active", "saturation")
            steps = ("well", "number") if name == "wells" else ("time",) if values.ndim > (1 + len(grid) if fields else 1) else ()
            variables[name] = (("sample", *steps, *(grid if fields else ())), values, {"units": units[name]} if units.get(name) else {})
        coordinates = {"sample": s.sample, "z": self.z, "y": self.y, "x": self.x, "time": self.times}
        return xarray.Dataset(variables, {name: values for name, values in coordinates.items() if values is not None},
                              {"setup": self.setup, "field": self._info["field"], "size": self.size, "location": self._info["location"]})

    def __repr__(self) -> str:
        return f"<mano.Dataset {self.path}: {len(self)} samples of {self._info['field']} at {resolution_text(self.resolution)}, set-up {self.setup}>"


def _bar(total: int, show: bool | None) -> tuple[Callable[[int], None], Callable[[], None]]:
    """tqdm's where it is installed; on a terminal alone unless asked for."""
    if show is False or (show is None and not sys.stderr.isatty()):
        return (lambda done: None), (lambda: None)
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return (lambda done: None), (lambda: None)
    bar = tqdm(total=total, unit="sample", desc="generate")
    return (lambda done: bar.update(done - bar.n)), bar.close


def generate(path: str | os.PathLike, field: str, *, samples: int, resolution, also=(), seed: int = 0, first: int = 0, dtype=np.float64,
             tolerance: float = 1e-10, overwrite: bool = False, threads: int | None = None, progress: bool | None = None,
             problem: str | None = None, random_wells: RandomWells | str | None = None, **arguments) -> Dataset:
    """Makes a dataset, every sample solved and verified, and opens it.

    path, field, resolution, seed   of the file (.h5), and as in draw()
    samples, first   samples first, ..., first + samples - 1 of the seed
    also        further resolutions: the same samples, each solved anew, in files of their own (data-32x32.h5)
    dtype       float64 or float32, in the file
    threads     all processors of this process by default
    progress    True shows tqdm's bar where tqdm is installed; by default on a terminal alone
    problem     "displacement": one fluid displaces another in time (as simulate(), whose fluids, times and accuracy are arguments then; the porosity must
                be one number, and setup is what drives the flow, five-spot by default); steady flow by default
    random_wells   wells that each sample has of its own, Sample.wells
    arguments   of draw() for the field (phases, deviation, inactive, size, ...), of solve() for what drives the flow (setup, wells, left, ...)

    A run that was interrupted goes on where it stopped, when it is called again with the same arguments; a finished file with the same
    arguments is opened as it is. Raises InputError where another file is there already, unless overwrite is True, and RunError for a sample
    that no method solves.
    """
    if problem not in (None, "displacement"):
        raise InputError(f"problem is {problem!r}, expected 'displacement', or None for steady flow, which setup names")
    given = {name: arguments.pop(name) for name in DISPLACEMENT_ARGUMENTS if problem and name in arguments}
    if np.ndim(given.get("porosity", 0)):
        raise InputError("porosity is an array; the porosity of a dataset must be one number")
    of_field, of_setup = split_arguments("generate", arguments)
    spec, setup = make_field(field, seed, **of_field), make_setup(**of_setup, random_wells=random_wells)
    displacement = make_displacement(**given) if problem else None
    if samples < 1 or first < 0:
        raise InputError(f"samples is {samples} and first is {first}; they must be at least 1 and 0")
    if isinstance(also, (str, tuple)) and (isinstance(also, str) or (also and np.isscalar(also[0]))):
        also = (also,)
    update, close = _bar(samples, progress)
    try:
        _core.generate(spec, setup, displacement, os.fspath(path), resolution_text(resolution), ",".join(map(resolution_text, also)), samples, first,
                       precision(dtype).name, tolerance, overwrite, thread_count(threads), update)
    finally:
        close()
    return Dataset(path)
