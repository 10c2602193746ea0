"""mano's own networks as torch modules: the C++ of mano.load with torch's gradients."""
from __future__ import annotations

import os
from typing import Any

import torch
from torch import nn

from .._errors import InputError
from .._model import surrogate_module


def _register(module: nn.Module, named: list[tuple[str, torch.Tensor]]) -> None:
    """Parameters under names with dots: modules within modules."""
    for name, tensor in named:
        *path, leaf = name.split(".")
        folder = module
        for part in path:
            if part not in folder._modules:
                folder.add_module(part, nn.Module())
            folder = folder._modules[part]  # type: ignore[assignment]
        folder.register_parameter(leaf, nn.Parameter(tensor.detach()))


class _Module(nn.Module):
    """Parameters in Python, the function in C++: `_function` is made anew in copies and other processes."""

    def __init__(self, made_from: dict[str, Any]):
        super().__init__()
        self._made_from = made_from
        self._function = self._make()
        named = self._function.named_parameters()
        self._names = [name for name, _ in named]
        _register(self, named)

    def _make(self) -> Any:
        raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_function"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._function = self._make()

    def _parameters_in_order(self) -> list[torch.Tensor]:
        now = dict(self.named_parameters(remove_duplicate=False))
        return [now[name] for name in self._names]


class Network(_Module):
    """The network of a checkpoint alone, whichever of the thirteen: [B, channels_in, H, W] -> [B, channels_out, H, W], as docs/models.md says.

    run     a RUN folder or checkpoint of `mano train`, of pressures, displacements or classes; the refinement is left out

    Inputs are normalised as in training: ln k, x, y and where the model knows them active cells (`Model` does all of that); outputs are too.
    Network.new makes one with fresh weights. Input is brought to the parameters' type (float32; float64 after .double()) and device. Parameters
    have the names of the checkpoint. Not for torch.compile, vmap and forward-mode derivatives.

    Needs torch of the version that mano was built with; raises MissingPart where it is another, InputError for what cannot be read.
    """

    def __init__(self, run: str | os.PathLike):
        super().__init__({"run": os.fspath(run)})
        self._made_from = {"architecture": self.architecture}

    @classmethod
    def new(cls, model: str, size: str = "small", *, channels_in: int = 3, channels_out: int = 1, seed: int = 0) -> Network:
        """Fresh weights: model is mano, fno, vit, swin, unet, xcit, qna, shunted, hlg, reguformer, mat, lit or transdepth; size small (about 70,000
        parameters) or large (600,000)."""
        made = cls.__new__(cls)
        _Module.__init__(made, {"architecture": surrogate_module().architecture_preset(model, size, channels_in, channels_out), "seed": int(seed)})
        return made

    def _make(self) -> Any:
        made_from, kind = self._made_from, surrogate_module().DifferentiableNetwork
        if "architecture" in made_from:
            return kind.of_architecture(made_from["architecture"], made_from.get("seed", 0))
        return kind(made_from["run"])

    @property
    def architecture(self) -> str:
        """Its numbers, as JSON."""
        return self._function.architecture

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return self._function.forward(input, self._parameters_in_order())


class Model(_Module):
    """A trained model of steady flow as mano.load predicts with it: permeability [N, ny, nx] or [ny, nx] -> pressure of the same shape, float64.

    run       a RUN folder or checkpoint of any of the thirteen networks, with inactive cells (permeability 0) where it was trained with them
    method    multigrid: the network, the hierarchy of grids and the refinement, in cycles as its card says; direct: the network alone as it is;
              interpolation, interleaved, jacobi or zero-start for comparison

    Differentiable by the permeability and by all parameters, those of the refinement included. Parameters have the names of the checkpoint. The
    networks run in the parameters' type, float32, or float64 after .double(), and on their device; gradients come in the permeability's own type.
    In inactive cells the pressure is 0 and the gradient nothing. The domain is the card's.

    Needs torch of the version that mano was built with; raises MissingPart where it is another, InputError for what is no such model. mano.torch.load
    is a MANO in plain PyTorch, of any version.
    """

    def __init__(self, run: str | os.PathLike, method: str = "multigrid"):
        self._path = os.fspath(run)
        super().__init__({"run": self._path})
        self.method = method

    def _make(self) -> Any:
        return surrogate_module().DifferentiableModel(self._made_from["run"])

    def forward(self, permeability: torch.Tensor) -> torch.Tensor:
        if permeability.dim() not in (2, 3):
            raise InputError(f"permeability has the shape {list(permeability.shape)}, expected [N, ny, nx] or [ny, nx]")
        fields = permeability if permeability.dim() == 3 else permeability[None]
        return self._function.forward(fields, self._parameters_in_order(), self.method).reshape(permeability.shape)
