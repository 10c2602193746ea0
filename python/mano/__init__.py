"""mano: steady Darcy flow from Python. A verified solver, random rock, datasets, streams of solved samples, trained surrogates.

    k = mano.draw("two-phase", seed=1, resolution=(64, 64))     # permeability, numpy [ny, nx]
    r = mano.solve(k, setup="drive")                            # r.pressure, r.flux, r.wells, r.residual

Arrays are [ny, nx] or [N, ny, nx]: rows from south to north, columns from west to east. A resolution is (nx, ny), a point (x, y). docs/python.md
has the whole story; mano.torch what needs torch in Python.
"""
from ._core import version as __version__
from ._dataset import Dataset, Sample, generate
from ._errors import Error, InputError, MissingPart, RunError
from ._model import Estimated, Model, Prediction, load
from ._setup import Flux, Pressure, Well
from ._solving import Direction, FaceFlux, Result, Results, Upscaled, WellState, draw, solve, solve_many, upscale
from ._stream import Batch, Stream

__all__ = ["Batch", "Dataset", "Direction", "Error", "Estimated", "FaceFlux", "Flux", "InputError", "MissingPart", "Model", "Prediction", "Pressure", "Result", "Results", "RunError",
           "Sample", "Stream", "Upscaled", "Well", "WellState", "__version__", "draw", "generate", "load", "solve", "solve_many", "upscale"]
