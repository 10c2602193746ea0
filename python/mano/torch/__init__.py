"""mano in torch: the solver as a differentiable function, streams for a DataLoader, trained networks as modules. Any torch from 1.13 on; Model and
Network need the version that mano was built with.

    p = mano.torch.solve(k, setup="drive")            # a tensor; gradients with respect to k by the adjoint equation
    DataLoader(mano.torch.Stream("two-phase", resolution=(64, 64)), batch_size=32, num_workers=2)
    model = mano.torch.Model("run")                   # a torch.nn.Module with the trained weights, of any network
    network = mano.torch.Network.new("fno")           # a network to train
    model = mano.torch.load("run")                    # a MANO in plain PyTorch
"""
from ._module import load, save
from ._network import Model, Network
from ._solver import solve
from ._stream import Stream

__all__ = ["Model", "Network", "Stream", "load", "save", "solve"]
