"""The solver as a torch.autograd.Function: gradients by the adjoint equation (solver/adjoint.hpp)."""
from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from .. import _core
from .._errors import InputError
from .._setup import Flux, Pressure, Side, Well, domain, fields4, lengths3, make_setup, masks4, optional_fields, split_source, thread_count


class Flow(NamedTuple):
    """Pressure [..., ny, nx], and of each well (those of a named problem first) its rate into the rock and the pressure in its bore, [..., W]."""

    pressure: torch.Tensor
    well_rate: torch.Tensor
    well_pressure: torch.Tensor


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()


class _Solve(torch.autograd.Function):
    """Permeability, source [N or 1, ny, nx], values of the last wells [W], values of the sides left, right, bottom, top (one each or one a face); the
    last three may be None. `request` holds the same as numbers."""

    @staticmethod
    def forward(ctx, request, permeability, source, wells, *sides):
        fields = fields4(_numpy(permeability).reshape(-1, *permeability.shape[-2:]), "permeability")
        given = (request["setup"], fields, request["active"], request["source"], request["permeability_y"])
        how = (request["size"], request["tolerance"], request["threads"])
        ctx.threads = request["threads"]
        ctx.save_for_backward(permeability, source, wells, *sides)  # which tells where they were changed in place
        batch = permeability.shape[:-2]
        to = lambda array, shape: torch.from_numpy(array).reshape(shape).to(permeability)  # noqa: E731
        if not any(ctx.needs_input_grad) and not request["wells"]:
            pressure, none = _core.solve_many(*given, None, *how, False)[0], permeability.new_empty((*batch, 0))
            return to(pressure, permeability.shape), none, none.clone()
        ctx.kept = _core.Differentiable(*given, *how)
        rate, bore = ctx.kept.well_states()
        return to(ctx.kept.pressure(), permeability.shape), to(rate, (*batch, -1)), to(bore, (*batch, -1))

    @staticmethod
    @once_differentiable
    def backward(ctx, by_pressure, by_rate, by_bore):
        permeability, source, wells, *sides = ctx.saved_tensors
        given = fields4(_numpy(by_pressure).reshape(-1, *by_pressure.shape[-2:]), "gradient")
        of_wells = [np.ascontiguousarray(_numpy(of).reshape(len(given), -1), np.float64) for of in (by_rate, by_bore)]
        by_k, by_source, by_well, by_side = ctx.kept.gradient(given, *of_wells, source is not None and ctx.needs_input_grad[2], ctx.threads)

        def shaped(gradient, like):
            """Summed over what the samples share."""
            if gradient is None or like is None:
                return None
            if gradient.size != like.numel():
                gradient = gradient.sum(0)
            if like.numel() == 1:
                gradient = gradient.sum()
            return torch.from_numpy(np.ascontiguousarray(gradient)).reshape(like.shape).to(like)

        last = by_well[:, by_well.shape[1] - (0 if wells is None else len(wells)):]
        return (None, shaped(by_k, permeability), shaped(by_source, source), shaped(last.sum(0), wells),
                *(shaped(gradient.sum(0), like) for gradient, like in zip(by_side, sides)))


def _number(value):
    return value.item() if isinstance(value, torch.Tensor) else value


def _split_wells(wells):
    """The wells as numbers, and the tensor of their values where one of them is a tensor."""
    if isinstance(wells, (Well, str)):
        wells = (wells,)
    values = [None if isinstance(w, str) else w.rate if w.rate is not None else w.bhp for w in wells]
    plain = tuple(w if isinstance(w, str) else dataclasses.replace(w, x=_number(w.x), y=_number(w.y), rate=_number(w.rate), bhp=_number(w.bhp)) for w in wells)
    if not any(isinstance(v, torch.Tensor) for v in values):
        return plain, None
    like = next(v for v in values if isinstance(v, torch.Tensor))
    # What is given as text has no gradient: its place is held by a number that is not used.
    return plain, torch.stack([torch.as_tensor(0.0 if v is None else v, dtype=like.dtype, device=like.device).reshape(()) for v in values])


def _split_side(side: Side):
    """The side as numbers, and the tensor of its values where they are one."""
    if not isinstance(side, (Pressure, Flux)):
        return side, None
    values = side.values
    if isinstance(values, (list, tuple)) and any(isinstance(v, torch.Tensor) for v in values):
        values = torch.stack([torch.as_tensor(v) for v in values])
    if not isinstance(values, torch.Tensor):
        return side, None
    if values.ndim > 1:
        raise InputError(f"a side's values are a tensor of the shape {list(values.shape)}, expected one number, or one a face")
    return type(side)(_numpy(values).tolist()), values


def solve(permeability: torch.Tensor, *, setup: str | None = None, wells=(), left: Side = None, right: Side = None, bottom: Side = None,
          top: Side = None, source=None, active=None, permeability_y=None, anisotropy: float | None = None, drop_islands: bool = False,
          size=(1.0, 1.0), units: str | None = None, viscosity: float | None = None, thickness: float | None = None, tolerance: float = 1e-10,
          threads: int | None = None, with_wells: bool = False) -> torch.Tensor | Flow:
    """Pressures of permeabilities [..., ny, nx], a tensor of the same shape, type and device; a Flow where `with_wells` is True.

    Arguments as mano.solve. Differentiable by the permeability, and by all of these that are tensors:

        source                       one number, [ny, nx], or one field a permeability
        Well(x, y, rate=...), Well(x, y, bhp=..., radius=...)
        left, right, bottom, top     values of Pressure or Flux, one number or one a face

    What the permeabilities share is summed over them. Rates of wells of given pressure and pressures of wells of given rate (with a radius) depend on
    the permeability of the well's cell also by Peaceman's index; that is in the gradient. The backward pass solves the adjoint equation, one more
    multigrid solve a field whatever the gradients are by, to 1000 times the tolerance. With k = exp(log_k), torch gives the gradient by log_k. Both passes
    are computed in float64 on the CPU. Pressures are not numbers in inactive cells, nor in wells without a radius, and no gradient comes from or goes to
    them; select numbers before a loss. active and permeability_y have no gradients; `permeability_y` is held fixed at its ratio to the permeability: use
    anisotropy where they vary together. Where no pressure is given anywhere what flows in must sum to zero, and derivatives mean something in
    combinations that keep it so.

    Raises InputError and RunError as mano.solve does. There is no second derivative.
    """
    if not isinstance(permeability, torch.Tensor):
        permeability = torch.as_tensor(np.asarray(permeability))
    of_source = source if isinstance(source, torch.Tensor) else None
    if of_source is not None and of_source.ndim == 0:
        of_source = of_source.expand(permeability.shape[-2:])
    if of_source is not None:
        source = _numpy(of_source).reshape(-1, *of_source.shape[-2:]) if of_source.ndim >= 2 else _numpy(of_source)
    if len(domain(size)) != 2:
        raise InputError(f"size is {size}: gradients are of flat grids (lx, ly); mano.solve solves volumes")
    number, f, setup = split_source(source, setup, size)
    plain, of_wells = _split_wells(wells)
    sides, of_sides = zip(*map(_split_side, (left, right, bottom, top)))
    request = {"setup": make_setup(setup, plain, *sides, number, anisotropy, drop_islands, units, viscosity, thickness),
               "active": masks4(active), "source": f, "permeability_y": optional_fields(permeability_y, "permeability_y"), "size": lengths3(size),
               "tolerance": float(tolerance), "threads": thread_count(threads), "wells": with_wells}
    flow = Flow(*_Solve.apply(request, permeability, of_source, of_wells, *of_sides))
    return flow if with_wells else flow.pressure
