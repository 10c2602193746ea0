"""Trained networks as torch modules."""
from __future__ import annotations

import os
import pathlib

from torch import nn

from .._errors import InputError
from ._network import Model, Network
from .multigrid import Multigrid
from .reference import Direct, read_checkpoint, write_checkpoint


def checkpoint_of(run: str | os.PathLike) -> pathlib.Path:
    path = pathlib.Path(run)
    path = path / "model.safetensors" if path.is_dir() else path
    if not path.is_file():
        raise InputError(f"{run} is no checkpoint and holds no model.safetensors")
    return path


def load(run: str | os.PathLike, *, direct: bool = False) -> nn.Module:
    """A trained MANO in plain PyTorch, of any version of torch: permeability [N, ny, nx] -> pressure [N, ny, nx], float64, differentiable by both the permeability and the weights.

    It predicts what mano.load(run).predict() does, at any resolution; with direct, what the network alone gives, as published. Parameters have the
    names of the checkpoint. An independent reading of the checkpoint; mano.torch.Model is mano's own, for all networks and for
    inactive cells, and faster. Raises InputError for what this does not read.
    """
    path = checkpoint_of(run)
    try:
        return (Direct if direct else Multigrid)(path)
    except (ValueError, KeyError) as error:
        raise InputError(f"{path}: {error}") from None


def save(run: str | os.PathLike, module: nn.Module, path: str | os.PathLike) -> None:
    """Writes a checkpoint with the weights of `module`, which load(run) made, and the card of `run`; `mano predict --model PATH` reads it.

    The module may be a Network or a Model too. Other weights have other errors: prediction intervals are left out ('mano calibrate' measures new ones).
    """
    tensors, metadata = read_checkpoint(checkpoint_of(run))
    if isinstance(module, (Model, Network)):
        own = dict(module.named_parameters())
    else:
        network = module.direct.network if isinstance(module, Multigrid) else module.network
        own = dict(network.named_parameters())
        if isinstance(module, Multigrid) and module.refinement is not None:
            own.update({f"refinement.{name}": value for name, value in module.refinement.named_parameters()})
    unknown = sorted(set(own) - set(tensors))
    if unknown or any(own[name].shape != tensors[name].shape for name in own):
        raise InputError(f"{run} has other weights than the module: load that run")
    write_checkpoint(path, {name: own.get(name, value).detach().cpu() for name, value in tensors.items()}, metadata)
