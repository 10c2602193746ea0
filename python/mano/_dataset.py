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
from ._errors import InputError, MissingPart
from ._setup import (make_field, make_setup, precision, resolution_text, split_arguments, thread_count)


class Sample(NamedTuple):
    """One sample of a dataset or stream, [ny, nx], or several, [N, ny, nx]: then the numbers are arrays as well.

    pressure is not a number in inactive cells; active is None where all cells of all samples are. residual is the true relative residual.
    """

    permeability: np.ndarray
    pressure: np.ndarray
    active: np.ndarray | None
    seed: Any
    sample: Any
    residual: Any
    iterations: Any
    solver: Any


class Dataset:
    """A dataset file, open for reading: `data[i]` is a Sample, `data[a:b]` and `data[[i, j]]` are several; iteration goes sample by sample.

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
    def resolution(self) -> tuple[int, int]:
        """(nx, ny)"""
        return self._info["resolution"]

    @property
    def size(self) -> tuple[float, float]:
        """(lx, ly) of the domain."""
        return self._info["size"]

    @property
    def setup(self) -> str:
        """The name of the problem; unknown for imported data, custom-HASH where options changed a named one."""
        return self._info["setup"]

    @property
    def configuration(self) -> dict:
        """Everything that the data depend on."""
        return json.loads(self._info["configuration"]) if self._info["configuration"] else {}

    @property
    def info(self) -> dict:
        """field, location (cell or node), origin, tolerance, dtype, units and their names, has_inactive, version, and the above."""
        return {**self._info, "configuration": self.configuration}

    @property
    def x(self) -> np.ndarray:
        """Coordinates of the columns, [nx]."""
        return self._coordinates(0)

    @property
    def y(self) -> np.ndarray:
        """Coordinates of the rows, [ny], south to north."""
        return self._coordinates(1)

    def _coordinates(self, axis: int) -> np.ndarray:
        n, length, start = self.resolution[axis], self.size[axis], self._info["origin"][axis]
        shift = 0.5 if self._info["location"] == "cell" else 0.0
        return start + (np.arange(n) + shift) * length / n

    def _read(self, indices) -> Sample:
        k, p, active, seed, sample, residual, iterations, solver = self._ready().read(indices)
        return Sample(k, p, None if active is None else active.view(bool), seed, sample, residual, iterations, solver)

    def __getitem__(self, index) -> Sample:
        if isinstance(index, slice):
            return self._read(list(range(*index.indices(len(self)))))
        if np.ndim(index) == 1:
            chosen = np.asarray(index)
            if chosen.dtype == bool:
                if len(chosen) != len(self):
                    raise InputError(f"{self.path}: the mask of samples has {len(chosen)} entries, the dataset {len(self)} samples")
                chosen = np.flatnonzero(chosen)
            return self._read([self._index(i) for i in chosen])
        return Sample(*(None if part is None else part[0] for part in self._read([self._index(index)])))

    def _index(self, index) -> int:
        i = operator.index(index)
        if not -len(self) <= i < len(self):
            raise IndexError(f"{self.path} holds {len(self)} samples, number {i} was asked for")
        return i % len(self)

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))

    def to_xarray(self):
        """All of it as an xarray.Dataset with dimensions sample, y, x, coordinates, and units as attributes where the file has them."""
        try:
            import xarray
        except ImportError:
            raise MissingPart("to_xarray needs xarray: pip install xarray") from None
        s = self[:]
        fields = {"permeability": s.permeability, "pressure": s.pressure}
        if s.active is not None:
            fields["active"] = s.active
        units = {"permeability": self._info["unit_of_permeability"], "pressure": self._info["unit_of_pressure"]}
        variables = {name: (("sample", "y", "x"), values, {"units": units[name]} if units.get(name) else {}) for name, values in fields.items()}
        variables.update({name: ("sample", np.asarray(getattr(s, name))) for name in ("seed", "residual", "iterations", "solver")})
        return xarray.Dataset(variables, {"sample": s.sample, "y": self.y, "x": self.x},
                              {"setup": self.setup, "field": self._info["field"], "size": self.size, "location": self._info["location"]})

    def __repr__(self) -> str:
        nx, ny = self.resolution
        return f"<mano.Dataset {self.path}: {len(self)} samples of {self._info['field']} at {nx}x{ny}, set-up {self.setup}>"


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
             tolerance: float = 1e-10, overwrite: bool = False, threads: int | None = None, progress: bool | None = None, **arguments) -> Dataset:
    """Makes a dataset, every sample solved and verified, and opens it.

    path, field, resolution, seed   of the file (.h5), and as in draw()
    samples, first   samples first, ..., first + samples - 1 of the seed
    also        further resolutions: the same samples, each solved anew, in files of their own (data-32x32.h5)
    dtype       float64 or float32, in the file
    threads     all processors of this process by default
    progress    True shows tqdm's bar where tqdm is installed; by default on a terminal alone
    arguments   of draw() for the field (phases, deviation, inactive, size, ...), of solve() for what drives the flow (setup, wells, left, ...)

    A run that was interrupted goes on where it stopped, when it is called again with the same arguments; a finished file with the same
    arguments is opened as it is. Raises InputError where another file is there already, unless overwrite is True, and RunError for a sample
    that no method solves.
    """
    of_field, of_setup = split_arguments("generate", arguments)
    spec, setup = make_field(field, seed, **of_field), make_setup(**of_setup)
    if samples < 1 or first < 0:
        raise InputError(f"samples is {samples} and first is {first}; they must be at least 1 and 0")
    if isinstance(also, (str, tuple)) and (isinstance(also, str) or (also and np.isscalar(also[0]))):
        also = (also,)
    update, close = _bar(samples, progress)
    try:
        _core.generate(spec, setup, os.fspath(path), resolution_text(resolution), ",".join(map(resolution_text, also)), samples, first,
                       precision(dtype).name, tolerance, overwrite, thread_count(threads), update)
    finally:
        close()
    return Dataset(path)
