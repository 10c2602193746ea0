"""The solver as a torch.autograd.Function: gradients by the adjoint equation (solver/adjoint.hpp)."""
from __future__ import annotations

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from .. import _core
from .._setup import Side, fields3, make_setup, masks3, optional_fields, thread_count


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()


def _solved(fields: np.ndarray, request: dict, keep: bool):
    """The pressures, and what their gradients need where that is to be kept."""
    arguments = (request["setup"], fields, request["active"], request["source"], request["permeability_y"], request["size"], request["tolerance"],
                 request["threads"])
    if not keep:
        return _core.solve_many(*arguments, False)[0], None
    kept = _core.Differentiable(*arguments)
    return kept.pressure(), kept


class _Solve(torch.autograd.Function):
    @staticmethod
    def forward(ctx, permeability, request):
        fields = fields3(_numpy(permeability).reshape(-1, *permeability.shape[-2:]), "permeability")
        pressure, ctx.kept = _solved(fields, request, ctx.needs_input_grad[0])
        ctx.threads = request["threads"]
        ctx.save_for_backward(permeability)  # which tells where it was changed in place
        return torch.from_numpy(pressure).reshape(permeability.shape).to(permeability)

    @staticmethod
    @once_differentiable
    def backward(ctx, by_pressure):
        (permeability,) = ctx.saved_tensors
        given = fields3(_numpy(by_pressure).reshape(-1, *by_pressure.shape[-2:]), "gradient")
        return torch.from_numpy(ctx.kept.gradient(given, ctx.threads)).reshape(permeability.shape).to(permeability), None


def solve(permeability: torch.Tensor, *, setup: str | None = None, wells=(), left: Side = None, right: Side = None, bottom: Side = None,
          top: Side = None, source=None, active=None, permeability_y=None, anisotropy: float | None = None, drop_islands: bool = False,
          size=(1.0, 1.0), units: str | None = None, viscosity: float | None = None, thickness: float | None = None, tolerance: float = 1e-10,
          threads: int | None = None) -> torch.Tensor:
    """Pressures of permeabilities [..., ny, nx], a tensor of the same shape, type and device, differentiable by the permeability.

    Arguments as mano.solve; source, active and permeability_y are arrays [ny, nx] or [N, ny, nx] without gradients. The backward pass solves the
    adjoint equation, one more multigrid solve a field, to 1000 times the tolerance. With k = exp(log_k), torch gives the gradient by log_k. Both passes
    are computed in float64 on the CPU. Pressures are not numbers in inactive cells, and no gradient comes from or goes to them; select active cells
    before a loss. `permeability_y` is held fixed at its ratio to the permeability: use anisotropy where they vary together.

    Raises InputError and RunError as mano.solve does. There is no second derivative.
    """
    if not isinstance(permeability, torch.Tensor):
        permeability = torch.as_tensor(np.asarray(permeability))
    number, f = (source, None) if source is None or np.ndim(source) == 0 else (None, fields3(source, "source"))
    if f is not None and setup is None:
        setup = "closed"
    request = {"setup": make_setup(setup, wells, left, right, bottom, top, number, anisotropy, drop_islands, units, viscosity, thickness),
               "active": masks3(active), "source": f, "permeability_y": optional_fields(permeability_y, "permeability_y"), "size": tuple(size),
               "tolerance": float(tolerance), "threads": thread_count(threads)}
    return _Solve.apply(permeability, request)
