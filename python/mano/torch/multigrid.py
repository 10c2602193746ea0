"""The whole prediction of a mano checkpoint in PyTorch: the network on its grid, the hierarchy of grids, the refinement (docs/mano.md).

    python3 python/mano/torch/multigrid.py run/model.safetensors permeability.npy pressure.npy

predicts [N, H, W] pressures from [N, H, W] permeabilities as `mano predict` does, of the model's own problem and domain. Needs torch and numpy,
and reference.py beside it, nothing else of mano. Every step is differentiable, by the permeability and by the weights.
"""
import copy
import functools
import json
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

try:
    from .reference import Direct, Mano, read_checkpoint
except ImportError:  # run as a program
    from reference import Direct, Mano, read_checkpoint

# Ends of the domain, left, right, bottom, top: a prescribed pressure, None where nothing flows; source; well rate in the first corner.
PROBLEMS = {"benchmark": ((0.0, 0.0, 0.0, 0.0), 1.0, 0.0), "drive": ((1.0, 0.0, None, None), 0.0, 0.0),
          "five-spot": ((None, None, None, None), 0.0, 1.0)}
CLOSED = ((None, None, None, None), 0.0, 0.0)


@functools.lru_cache(maxsize=256)
def restriction(source, target, location):
    """[target, source]: means over coarse cells; at nodes linear, constant beyond the last."""
    m = torch.zeros(target, source, dtype=torch.float64)
    for t in range(target):
        if location == "node":
            at = min(t / target * source, source - 1)
            left = min(int(at), max(source - 2, 0))
            m[t, left] = 1 - (at - left)
            if at > left:
                m[t, left + 1] = at - left
        else:
            begin, end = t * source / target, (t + 1) * source / target
            for s in range(int(begin), min(source, int(np.ceil(end)))):
                m[t, s] = max(0.0, min(end, s + 1) - max(begin, s)) / (end - begin)
    return m


@functools.lru_cache(maxsize=256)
def interpolation(source, target, location, low, high):
    """[target, source] and offset [target]; an end is "on" (go on linearly), None (constant) or the value on the boundary."""
    shift = 0.5 if location == "cell" else 0.0
    m, offset = torch.zeros(target, source, dtype=torch.float64), torch.zeros(target, dtype=torch.float64)
    for t in range(target):
        at = (t + shift) / target * source - shift
        for outside, end, cell, distance in ((at < 0, low, 0, at + shift), (at > source - 1, high, source - 1, source - shift - at)):
            if outside and end != "on":
                m[t, cell] = 1.0 if end is None else 2 * distance
                offset[t] = 0.0 if end is None else (1 - 2 * distance) * end
                break
        else:
            left = min(max(int(np.floor(at)), 0), max(source - 2, 0))
            m[t, left] += 1 - (at - left) if source > 1 else 1.0
            if source > 1:
                m[t, left + 1] += at - left
    return m, offset


class Darcy:
    """A p = rhs on cells, harmonic means between them: p [N, H, W]."""

    def __init__(self, k, size, problem):
        ends, source, rate = problem
        height, width = k.shape[1:]
        hx, hy = size[0] / width, size[1] / height
        self.rhs = torch.full_like(k, source * hx * hy)
        self.x = self.faces(k, hy / hx, ends[:2], self.rhs)
        self.y = self.faces(k.transpose(1, 2), hx / hy, ends[2:], self.rhs.transpose(1, 2)).transpose(1, 2)
        self.rhs[:, 0, 0] += rate
        self.rhs[:, -1, -1] -= rate
        self.diagonal = self.x[:, :, :-1] + self.x[:, :, 1:] + self.y[:, :-1] + self.y[:, 1:]

    @staticmethod
    def faces(k, ratio, ends, rhs):
        a, b = k[..., :-1], k[..., 1:]
        t = F.pad(2 * a * b / (a + b) * ratio, (1, 1))
        for end, face, cell in ((ends[0], 0, 0), (ends[1], -1, -1)):
            if end is not None:
                t[..., face] = 2 * ratio * k[..., cell]
                rhs[..., cell] += t[..., face] * end
        return t

    def apply(self, p):
        return -((self.x * F.pad(p, (1, 1)).diff(dim=2)).diff(dim=2) + (self.y * F.pad(p, (0, 0, 1, 1)).diff(dim=1)).diff(dim=1))

    def of_error(self, residual):
        """A e = residual."""
        other = copy.copy(self)
        other.rhs = residual
        return other

    def shares(self):
        """Of the left, right, lower, upper neighbour, and of what is held on the boundary: [N, 5, H, W]."""
        s = torch.stack([self.x[:, :, :-1], self.x[:, :, 1:], self.y[:, :-1], self.y[:, 1:], torch.zeros_like(self.diagonal)], 1)
        s = s / self.diagonal[:, None]
        for channel, edge in enumerate((np.s_[:, :, 0], np.s_[:, :, -1], np.s_[:, 0], np.s_[:, -1])):
            s[:, 4][edge] += s[:, channel][edge]
            s[:, channel][edge] = 0
        return s


class Multigrid(nn.Module):
    """Permeability [N, H, W] -> pressure [N, H, W], float64, at any resolution: what `mano predict` computes."""

    def __init__(self, path):
        super().__init__()
        self.direct = Direct(path)
        tensors, self.meta = read_checkpoint(path)
        self.training_data = json.loads(self.meta["training"])
        self.location, self.size = self.training_data["location"], self.training_data["size"]
        prefix = "refinement."
        self.refinement = None
        if "refinement" in self.meta:
            own = {k[len(prefix):]: v for k, v in tensors.items() if k.startswith(prefix)}
            self.refinement = Mano(own, json.loads(self.meta["refinement"]))
        self.knows = self.meta.get("refinement_form") == "residual"
        entry = lambda key, old_key, usual: int(self.meta.get(key, self.meta.get(old_key, usual)))  # older files have the old keys
        self.steps = entry("correction_steps", "sweeps", 0)
        self.base_steps = entry("base_correction_steps", "base_sweeps", self.meta.get("refines_base") == "true")
        self.cycles = entry("cycles", "climbs", 4) if self.knows else 1
        self.correction_steps_a_grid = 1 if self.knows else self.steps
        problem = self.training_data.get("problem", self.training_data.get("setup"))
        self.problem = PROBLEMS[problem] if self.knows else CLOSED
        known = problem in PROBLEMS and self.location == "cell"
        self.ends = PROBLEMS[problem][0] if known else ("on",) * 4
        self.free = problem in PROBLEMS and all(e is None for e in PROBLEMS[problem][0])

    def restricted(self, values, height, width):
        return (restriction(values.shape[1], height, self.location).to(values.device) @ values
                @ restriction(values.shape[2], width, self.location).to(values.device).T)

    def interpolated(self, values, height, width, ends=None):
        ends = ends or self.ends
        x, x0 = interpolation(values.shape[2], width, self.location, *ends[:2])
        y, y0 = interpolation(values.shape[1], height, self.location, *ends[2:])
        x, x0, y, y0 = (t.to(values.device) for t in (x, x0, y, y0))
        return y @ (values @ x.T + x0) + y0[:, None]

    def refined(self, darcy, p, steps):
        a = self.refinement.a if self.refinement else None
        coarsest = -(-min(p.shape[1:]) // (a.get("patch", 1) * a["rate"] ** (a.get("levels", 1) - 1))) if a else 0
        if self.refinement is None or steps == 0 or coarsest < a["window"]:
            return p
        shares = darcy.shares()
        for _ in range(steps):
            residual = darcy.rhs - darcy.apply(p)
            defect = residual / darcy.diagonal
            rms = (defect.square().mean((1, 2), keepdim=True) + 1e-300).sqrt()
            inputs = torch.cat([(shares - 0.25) * 4, (defect / rms)[:, None]], 1)
            step = self.refinement(inputs.to(next(self.refinement.parameters()).dtype))[:, 0].double() * float(self.meta["refinement_gain"]) * rms
            p = p + (self.shortened(darcy, step, residual) if self.knows else step)
        return p

    @staticmethod
    def shortened(darcy, step, residual):
        """To what lessens the energy of the error most, where the whole step would raise it."""
        gain, cost = ((step * t).sum((1, 2), keepdim=True) for t in (residual, darcy.apply(step)))
        return torch.where(cost > 2 * gain, gain / cost, torch.ones_like(gain)) * step

    def error(self, levels, residual):
        """Up the hierarchy again, from zero: A e = residual, which adds up over coarse cells."""
        e = torch.zeros_like(levels[0].rhs)
        for i, darcy in enumerate(levels):
            h, w = darcy.rhs.shape[1:]
            darcy = darcy.of_error(self.restricted(residual, h, w) * (residual[0].numel() / (h * w)))
            if i > 0:
                e = self.interpolated(e, h, w, tuple(end if end is None else 0.0 for end in self.ends))
                e = self.shortened(darcy, e, darcy.rhs)
            e = self.refined(darcy, e, self.correction_steps_a_grid if i > 0 else 2 * self.steps)
        return e

    def start(self, height, width):
        """The training resolution where the way begins: the finest that is no finer than the target, else the coarsest."""
        seen = [tuple(r) for r in self.training_data["resolutions"]]
        fitting = [r for r in seen if r[0] <= width and r[1] <= height]
        return max(fitting, key=np.prod) if fitting else min(seen, key=np.prod)

    def forward(self, k):
        k = k.double()
        height, width = k.shape[1:]
        trained = self.start(height, width)
        w, h = (n // int(self.meta.get("coarsening", 1)) for n in trained)
        last, grids = (max(w, width), max(h, height)), [(w, h)]
        while grids[-1] != last:
            grids.append(tuple(min(2 * n, end) for n, end in zip(grids[-1], last)))
        ks = [self.restricted(k, h, w) for w, h in grids]
        levels = [Darcy(k, self.size, self.problem) for k in ks]
        p = self.refined(levels[0], self.direct(ks[0]), self.base_steps)
        for darcy, (w, h) in zip(levels[1:], grids[1:]):
            p = self.refined(darcy, self.interpolated(p, h, w), self.correction_steps_a_grid)
        for _ in range(1, self.cycles):
            p = p + self.error(levels, levels[-1].rhs - levels[-1].apply(p))
        p = self.restricted(p, height, width)
        return p - p.mean((1, 2), keepdim=True) if self.free else p


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    with torch.no_grad():
        np.save(sys.argv[3], Multigrid(sys.argv[1])(torch.from_numpy(np.load(sys.argv[2]).astype(np.float64))).numpy())
