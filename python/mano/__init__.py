"""mano: Darcy flow from Python. A verified solver, random rock, datasets, streams of solved samples, trained surrogates.

    k = mano.draw("two-phase", seed=1, resolution=(64, 64))     # permeability, numpy [ny, nx]
    r = mano.solve(k, setup="drive")                            # r.pressure, r.flux, r.wells, r.residual

Arrays are [ny, nx] or [N, ny, nx]: rows from south to north, columns from west to east. A resolution is (nx, ny), a point (x, y), a size (lx, ly).
Of volumes, arrays are [nz, ny, nx] from the top down, resolutions (nx, ny, nz) and sizes (lx, ly, lz). docs/python.md
has the whole story; mano.torch what needs torch in Python.
"""
from ._core import version as __version__
from ._dataset import Dataset, DisplacementSample, Sample, generate
from ._displacement import Curve, Simulation, StepError, simulate
from ._displacement_model import DisplacementModel, DisplacementPrediction, load_displacement
from ._errors import Error, InputError, MissingPart, RunError
from ._model import Estimated, Model, Prediction, load
from ._setup import Flux, Pressure, RandomWells, Well
from ._solving import Direction, FaceFlux, Result, Results, Upscaled, WellState, draw, solve, solve_many, upscale
from ._stream import Batch, Stream

__all__ = ["Batch", "Curve", "Dataset", "Direction", "DisplacementModel", "DisplacementPrediction", "DisplacementSample", "Error", "Estimated", "FaceFlux", "Flux", "InputError", "MissingPart", "Model",
           "Prediction", "Pressure", "RandomWells", "Result", "Results", "RunError", "Sample", "Simulation", "StepError", "Stream", "Upscaled", "Well", "WellState", "__version__",
           "draw", "generate", "load", "load_displacement", "simulate", "solve", "solve_many", "upscale"]
