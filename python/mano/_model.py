"""Trained surrogates: load(run). The one part that needs torch, of the version that mano was built with; `import torch` is not needed."""
from __future__ import annotations

import ctypes
import importlib.util
import os
import pathlib
import re
import sys
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

import numpy as np

from . import _core
from ._errors import InputError, MissingPart, RunError
from ._setup import fields4, masks4

if TYPE_CHECKING:
    from .torch import Model as Module


def torch_folder() -> pathlib.Path | None:
    """Where torch is installed, without importing it."""
    spec = importlib.util.find_spec("torch")
    return pathlib.Path(spec.origin).parent if spec is not None and spec.origin else None


def torch_version(folder: pathlib.Path) -> str:
    found = re.search(r"__version__\s*(?::\s*\w+\s*)?=\s*['\"]([0-9.]+)", (folder / "version.py").read_text()) if (folder / "version.py").exists() else None
    return found.group(1) if found else "unknown"


def check_torch() -> pathlib.Path:
    """The folder of a torch that fits. Raises MissingPart naming what is there and what is needed."""
    wanted = _core.torch_version
    if not wanted or importlib.util.find_spec("mano._surrogate") is None:
        raise MissingPart("this mano was built without LibTorch: build it where torch is installed to load trained models")
    folder = torch_folder()
    if folder is None:
        raise MissingPart(f"trained models need torch {wanted}, none is installed: pip install torch=={wanted}; solver, generator and datasets need none")
    version = torch_version(folder)
    if version != wanted:
        raise MissingPart(f"trained models need torch {wanted}, installed is {version}: pip install torch=={wanted}, or build mano for this one")
    return folder


def surrogate_module():
    """The extension module, once LibTorch is there."""
    module = sys.modules.get("mano._surrogate")
    if module is None:
        folder = check_torch()
        if "torch" not in sys.modules:
            try:
                ctypes.CDLL(os.fspath(folder / "lib" / "libtorch_cpu.so"))
            except OSError:  # torch finds what it needs in more places
                __import__("torch")
        try:
            from . import _surrogate as module
        except ImportError as error:
            raise MissingPart(f"mano._surrogate does not load: {error}") from None
    return module


def _mask(active) -> np.ndarray | None:
    return None if active is None else masks4(active)[:, 0]


class Estimated(NamedTuple):
    """A pressure and the estimate of its error, of pressure less the discrete solution: unpacks as `p, err`."""

    pressure: np.ndarray
    error: np.ndarray


class Prediction(NamedTuple):
    """All that is known of predictions [N, ny, nx].

    error, relative_l2   multigrid's estimate of the error, and its norm over the solution's [N]; None without estimate
    half_width           [N], of the interval about the pressure; not a number where the model has none
    unlike_training      for each field in what it is unlike those of training, an empty list where in nothing; None where the model does not know
    """

    pressure: np.ndarray
    error: np.ndarray | None
    relative_l2: np.ndarray | None
    half_width: np.ndarray
    unlike_training: list[list[str] | None]


class Loaded:
    """A checkpoint on a device, by the class of mano._surrogate that `kind` names. It is pickled as its path."""

    kind: str

    def __init__(self, path: str | os.PathLike, device: str = "cpu"):
        self.path, self.device = os.fspath(path), device
        self._model = getattr(surrogate_module(), self.kind)(self.path, device)

    def __getstate__(self):
        return {"path": self.path, "device": self.device}

    def __setstate__(self, state):
        self.__init__(**state)


class Model(Loaded):
    """A trained surrogate: permeability to pressure, at any resolution. Made by load()."""

    kind = "Surrogate"

    @property
    def card(self) -> dict:
        """What the checkpoint says of itself: model, setup, field, resolutions, parameters, intervals, data, and more."""
        return self._model.card

    def set_cycles(self, cycles: int | None = None, *, accuracy: float | None = None) -> int:
        """Cycles of a prediction from now on: a number, or as few as left this mean relative L2 error on held-out data. Returns the number."""
        if (cycles is None) == (accuracy is None):
            raise InputError("set_cycles takes either cycles or accuracy")
        chosen = self._model.cycles_for(accuracy) if cycles is None else int(cycles)
        self._model.set_cycles(chosen)
        return chosen

    @overload
    def predict(self, permeability: Any, *, estimate: Literal[False] = ..., active: Any = ..., size: Any = ..., method: str = ..., force: bool = ...) -> np.ndarray: ...
    @overload
    def predict(self, permeability: Any, *, estimate: Literal[True], active: Any = ..., size: Any = ..., method: str = ..., force: bool = ...) -> Estimated: ...

    def predict(self, permeability, *, estimate: bool = False, active=None, size=None, method: str = "multigrid", force: bool = False):
        """Pressures for permeabilities [ny, nx] or [N, ny, nx], float64 of the same shape.

        With estimate, a pair: the pressures and multigrid's estimate of their error (docs/trust.md), which needs a model of a named problem.
        active    [ny, nx] or [N, ny, nx], for models that were trained with inactive cells; the pressure is not a number in the others
        size      of the domain; the model's own by default. Another one, or another problem, is refused unless force is True
        method    multigrid, or for comparison direct (the network alone, as published), interpolation, jacobi, zero-start, interleaved
        """
        found = self.predictions(permeability, estimate=estimate, active=active, size=size, method=method, force=force)
        shape = np.shape(permeability)
        return Estimated(found.pressure.reshape(shape), found.error.reshape(shape)) if estimate else found.pressure.reshape(shape)

    @overload
    def correct(self, permeability: Any, cycles: int = ..., *, estimate: Literal[False] = ..., active: Any = ..., size: Any = ..., force: bool = ...) -> np.ndarray: ...
    @overload
    def correct(self, permeability: Any, cycles: int = ..., *, estimate: Literal[True], active: Any = ..., size: Any = ..., force: bool = ...) -> Estimated: ...

    def correct(self, permeability, cycles: int = 1, *, estimate: bool = False, active=None, size=None, force: bool = False):
        """Predictions corrected by `cycles` multigrid cycles: nearer to the solution, and no longer the network's alone. With estimate as predict."""
        if cycles < 1:
            raise InputError(f"cycles is {cycles}; it must be at least 1")
        found = self.predictions(permeability, estimate=estimate, correct=cycles, active=active, size=size, force=force)
        shape = np.shape(permeability)
        return Estimated(found.pressure.reshape(shape), found.error.reshape(shape)) if estimate else found.pressure.reshape(shape)

    def estimate(self, permeability, *, active=None, size=None, force: bool = False):
        """The estimated relative L2 error of each prediction: a number for [ny, nx], [N] for [N, ny, nx]."""
        found = self.predictions(permeability, estimate=True, active=active, size=size, force=force).relative_l2
        return float(found[0]) if np.ndim(permeability) == 2 else found

    def interval(self, permeability, *, active=None, size=None, force: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper end of the prediction interval, each of the permeability's shape: meant to hold 90 % of the points of fields like those it
        was calibrated on. Raises RunError where the model has none."""
        found = self.predictions(permeability, active=active, size=size, force=force)
        if np.isnan(found.half_width).any():
            raise RunError(f"{self.path} has no prediction interval: 'mano calibrate' measures one")
        p, half = found.pressure, found.half_width[:, None, None]
        shape = np.shape(permeability)
        return (p - half).reshape(shape), (p + half).reshape(shape)

    def unlike_training(self, permeability, *, active=None):
        """In what a field is unlike those of training, in words: a list for [ny, nx], empty where in nothing, a list of lists for [N, ny, nx].
        None in place of a list where the model does not know."""
        found = self._model.unlike_training(fields4(permeability, "permeability")[:, 0], _mask(active))
        return found[0] if np.ndim(permeability) == 2 else found

    def predictions(self, permeability, *, estimate: bool = False, correct: int = 0, active=None, size=None, method: str = "multigrid",
                    force: bool = False) -> Prediction:
        """All of it at once, for [N, ny, nx] (or one field, as N = 1)."""
        k = fields4(permeability, "permeability")[:, 0]
        p, error, relative, half, unlike = self._model.predict(k, _mask(active), size, method, estimate, int(correct), force)
        return Prediction(p, error, relative if estimate else None, half, unlike)

    def module(self, method: str = "multigrid") -> Module:
        """The same as a torch.nn.Module with the trained weights, on its device: mano.torch.Model, differentiable by permeability and weights."""
        from .torch import Model as Module

        return Module(self.path, method).to("cuda" if self.card["device"] == "cuda" else "cpu")

    def __repr__(self) -> str:
        c = self.card
        return f"<mano.Model {self.path}: {c['model']}, {c['parameters']} parameters, set-up {c['setup']}, trained at {c['resolutions']}>"


def load(run: str | os.PathLike, device: str = "cpu") -> Model:
    """A trained model from a RUN folder or checkpoint, on "cpu", "cuda" or "auto".

    Needs torch of the version that mano was built with; raises MissingPart, in one line, where it is another or none. Raises InputError where the
    model is missing or damaged.
    """
    return Model(run, device)
