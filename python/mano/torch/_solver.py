"""The solver as a torch.autograd.Function: gradients by the adjoint equation (solver/adjoint.hpp)."""
from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict, overload

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from .. import _core
from .._errors import InputError
from .._setup import (Flux, Pressure, Side, Well, Wells, check_one_of, check_values, domain, faces_of, fields4, lengths3, make_setup, masks4,
                      optional_fields, split_source, thread_count)

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Flow(NamedTuple):
    """Pressure [..., ny, nx] or of volumes [..., nz, ny, nx], and of each well (those of a named problem first) its rate into the rock, summed over its
    layers, and the pressure in its bore, [..., W]."""

    pressure: torch.Tensor
    well_rate: torch.Tensor
    well_pressure: torch.Tensor


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()


def _samples(tensor: torch.Tensor, size: tuple) -> np.ndarray:
    """[..., nz, ny, nx], or flat [..., ny, nx], as [N, nz, ny, nx] or [N, ny, nx]."""
    array = _numpy(tensor)
    return array.reshape(-1, *array.shape[-len(size):]) if array.ndim > len(size) else array


class _Solve(torch.autograd.Function):
    """Permeability, that along y and along z, source, values of the last wells [W], values of the sides (one each or one a face) in the order of
    solver/problem.hpp; all but the first may be None. `request` holds the same as numbers."""

    @staticmethod
    def forward(ctx, request, permeability, along_y, along_z, source, wells, *sides):
        size = request["size"]
        fields = fields4(_samples(permeability, size), "permeability", size)
        given = (request["setup"], fields, *(request[name] for name in ("active", "source", "permeability_y", "permeability_z")), lengths3(size), request["tolerance"],
                 request["threads"])
        ctx.request = {"size": size, "threads": request["threads"]}
        ctx.save_for_backward(permeability, along_y, along_z, source, wells, *sides)  # which tells where they were changed in place
        batch = permeability.shape[:-len(size)]
        to = lambda array, shape: torch.from_numpy(array).reshape(shape).to(permeability)  # noqa: E731
        if not any(ctx.needs_input_grad) and not request["wells"]:
            pressure, none = _core.solve_many(*given, False)[0], permeability.new_empty((*batch, 0))
            return to(pressure, permeability.shape), none, none.clone()
        ctx.kept = _core.Differentiable(*given)
        rate, bore = ctx.kept.well_states()
        return to(ctx.kept.pressure(), permeability.shape), to(rate, (*batch, -1)), to(bore, (*batch, -1))

    @staticmethod
    @once_differentiable
    def backward(ctx, by_pressure, by_rate, by_bore):
        permeability, along_y, along_z, source, wells, *sides = ctx.saved_tensors
        given = fields4(_samples(by_pressure, ctx.request["size"]), "gradient", ctx.request["size"])
        of_wells = [np.ascontiguousarray(_numpy(of).reshape(len(given), -1), np.float64) for of in (by_rate, by_bore)]
        own = (along_y is not None, along_z is not None, source is not None and ctx.needs_input_grad[4])
        *fields, by_well, by_side = ctx.kept.gradient(given, *of_wells, *own, ctx.request["threads"])

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
        return (None, *(shaped(gradient, like) for gradient, like in zip(fields, (permeability, along_y, along_z, source))), shaped(last.sum(0), wells),
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


def _stacked(values):
    """Lists that hold a tensor as one tensor."""
    if not isinstance(values, (list, tuple)):
        return values
    parts = [_stacked(v) for v in values]
    return torch.stack([torch.as_tensor(part) for part in parts]) if any(isinstance(part, torch.Tensor) for part in parts) else values


def _split_side(name: str, side: Side, faces: tuple):
    """The side, of `faces` along the axes it lies in, as numbers, and the tensor of its values where they are one."""
    values = _stacked(side.values) if isinstance(side, (Pressure, Flux)) else None
    if not isinstance(values, torch.Tensor):
        return side, None
    if values.numel() != 1:
        check_values(name, tuple(values.shape), faces)
    return type(side)(_numpy(values).ravel().tolist()), values


def _split_sides(sides: dict, permeability: torch.Tensor, size: tuple):
    """The sides as numbers by name, and their tensors in the order of solver/problem.hpp."""
    faces = faces_of(permeability.shape[-len(size):] if permeability.ndim >= len(size) else (1,) * len(size), size)
    plain, tensors = {}, {}
    for name, side in sides.items():
        plain[name], tensors[name] = _split_side(name, side, faces[name])
    order = [("left",), ("right",), ("front",), ("back",), ("top",), ("bottom",)] if len(size) == 3 else [("left",), ("right",), ("bottom", "front"), ("top", "back")]
    return plain, [next((tensors[name] for name in names if tensors[name] is not None), None) for names in order]


def _split_field(field, name: str, size: tuple):
    """A field as array, and as tensor where it is one."""
    tensor = field if isinstance(field, torch.Tensor) else None
    return optional_fields(field if tensor is None else _samples(tensor, size), name, size), tensor


class _Arguments(TypedDict, total=False):
    """Of solve, but with_wells: for type checkers."""

    setup: str | None
    wells: Wells
    left: Side
    right: Side
    bottom: Side
    top: Side
    front: Side
    back: Side
    source: Any
    active: Any
    permeability_y: Any
    permeability_z: Any
    anisotropy: float | None
    anisotropy_z: float | None
    drop_islands: bool
    size: Any
    units: str | None
    viscosity: float | None
    thickness: float | None
    tolerance: float
    threads: int | None


@overload
def solve(permeability: torch.Tensor, *, with_wells: Literal[False] = ..., **arguments: Unpack[_Arguments]) -> torch.Tensor: ...


@overload
def solve(permeability: torch.Tensor, *, with_wells: Literal[True], **arguments: Unpack[_Arguments]) -> Flow: ...


def solve(permeability: torch.Tensor, *, setup: str | None = None, wells: Wells = (), left: Side = None, right: Side = None, bottom: Side = None,
          top: Side = None, front: Side = None, back: Side = None, source=None, active=None, permeability_y=None, permeability_z=None,
          anisotropy: float | None = None, anisotropy_z: float | None = None, drop_islands: bool = False, size=(1.0, 1.0), units: str | None = None,
          viscosity: float | None = None, thickness: float | None = None, tolerance: float = 1e-10, threads: int | None = None,
          with_wells: bool = False) -> torch.Tensor | Flow:
    """Pressures of permeabilities [..., ny, nx], or with size=(lx, ly, lz) of volumes [..., nz, ny, nx]: a tensor of the same shape, type and device; a
    Flow where `with_wells` is True.

    Arguments as mano.solve. Differentiable by the permeability, and by all of these that are tensors:

        permeability_y, permeability_z   a field as the permeability, for all, or one a permeability
        source                           one number, a field, or one field a permeability
        Well(x, y, rate=...), Well(x, y, bhp=..., radius=...)
        left, right, bottom, top, front, back   values of Pressure or Flux, one number or one a face

    What the permeabilities share is summed over them. Rates of wells of given pressure and pressures of wells of given rate (with a radius) depend on
    the permeability of the well's cells also by Peaceman's index; that is in the gradient. The backward pass solves the adjoint equation, one more
    multigrid solve a field whatever the gradients are by, to 1000 times the tolerance. With k = exp(log_k), torch gives the gradient by log_k. Both passes
    are computed in float64 on the CPU. Pressures are not numbers in inactive cells, nor in wells without a radius, and no gradient comes from or goes to
    them; select numbers before a loss. active has no gradient. Where no pressure is given anywhere what flows in must sum to zero, and derivatives mean
    something in combinations that keep it so.

    A tensor permeability_y is a variable of its own: the gradient by the permeability is with permeability_y held fixed, and the other way round. Where it
    is an array of NumPy it has no gradient, and is held at its ratio to the permeability, as with anisotropy. The same holds for permeability_z.

    Raises InputError and RunError as mano.solve does. There is no second derivative.
    """
    if not isinstance(permeability, torch.Tensor):
        permeability = torch.as_tensor(np.asarray(permeability))
    size = domain(size)
    of_source = source if isinstance(source, torch.Tensor) else None
    if of_source is not None and of_source.ndim == 0:
        of_source = of_source.expand(permeability.shape[-len(size):])
    if of_source is not None:
        source = _samples(of_source, size)
    number, f, setup = split_source(source, setup, size)
    plain, of_wells = _split_wells(wells)
    sides, of_sides = _split_sides({"left": left, "right": right, "bottom": bottom, "top": top, "front": front, "back": back}, permeability, size)
    check_one_of(permeability_y, anisotropy, "y")
    check_one_of(permeability_z, anisotropy_z, "z")
    along_y, of_y = _split_field(permeability_y, "permeability_y", size)
    along_z, of_z = _split_field(permeability_z, "permeability_z", size)
    made = make_setup(setup, plain, source=number, anisotropy=anisotropy, drop_islands=drop_islands, units=units, viscosity=viscosity, thickness=thickness,
                      anisotropy_z=anisotropy_z, **sides)
    request = {"setup": made, "active": masks4(active, size), "source": f, "permeability_y": along_y, "permeability_z": along_z, "size": size,
               "tolerance": float(tolerance), "threads": thread_count(threads), "wells": with_wells}
    flow = Flow(*_Solve.apply(request, permeability, of_y, of_z, of_source, of_wells, *of_sides))
    return flow if with_wells else flow.pressure
