"""mano in torch: the solver as a differentiable function, streams for a DataLoader, trained networks as modules. Any torch from 1.13 on.

    p = mano.torch.solve(k, setup="drive")            # a tensor; gradients with respect to k by the adjoint equation
    DataLoader(mano.torch.Stream("two-phase", resolution=(64, 64)), batch_size=32, num_workers=2)
    network = mano.torch.load("run")                  # a torch.nn.Module with the trained weights
"""
from ._module import load, save
from ._solver import solve
from ._stream import Stream

__all__ = ["Stream", "load", "save", "solve"]
