# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # mano from Python
#
# Steady Darcy flow, $-\nabla\cdot(k\,\nabla p) = f$, on a rectangle of cells. We draw and solve problems, train neuraloperator's FNO on a stream of
# freshly solved problems, compare it with a model that `mano train` makes in the same time, and recover a permeability from 30 pressures by gradient
# descent through the solver. It needs mano, torch, neuraloperator and matplotlib.

# %%
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import mano
import mano.plot
import mano.torch
import numpy as np
import torch
from neuralop.models import FNO
from torch.utils.data import DataLoader

SECONDS = float(os.environ.get("MANO_TUTORIAL_SECONDS", 120))  # of each training
torch.manual_seed(0)

# %% [markdown]
# ## A problem and its solution
#
# Arrays are [ny, nx], the first row in the south. Every solution is verified: the residual is recomputed from the pressure.

# %%
k = mano.draw("lognormal", seed=1, resolution=(64, 64))
wells = [mano.Well(0.2, 0.2, rate=1.0), mano.Well(0.8, 0.8, bhp=0.0, radius=1e-3)]
r = mano.solve(k, wells=wells)
print(r)
print(r.wells)
figure = mano.plot.maps({"permeability": k, "pressure": r.pressure}, scale={"permeability": "logarithmic"}, wells=wells)

# %% [markdown]
# ## An FNO on a stream
#
# `mano.torch.Stream` draws, solves and verifies as the DataLoader asks. Sample i of a seed is always the same; nothing is stored, and nothing repeats.

# %%
SIZE, SCALE = 32, 0.01  # of the pressures of this problem
stream = mano.torch.Stream("two-phase", resolution=(SIZE, SIZE), seed=7, batch=16, channel=True)
network = FNO(n_modes=(12, 12), in_channels=1, out_channels=1, hidden_channels=24, n_layers=4)
optimiser = torch.optim.Adam(network.parameters(), lr=2e-3)
end, step, history, start = time.monotonic() + SECONDS, 0, [], time.monotonic()
for k, p in DataLoader(stream, batch_size=None, num_workers=1):
    passed = (time.monotonic() - start) / SECONDS
    optimiser.param_groups[0]["lr"] = 2e-3 * max(0.5 * (1 + np.cos(np.pi * min(passed, 1.0))), 0.01)
    error = network(k.log() - 1.8) * SCALE - p
    loss = (error.flatten(1).norm(dim=1) / p.flatten(1).norm(dim=1)).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    history.append(loss.item())
    step += 1
    if time.monotonic() > end:
        break
print(f"{step} steps, {16 * step} samples, none of them twice; relative L2 of the last 20 steps {np.mean(history[-20:]):.4f}")

# %% [markdown]
# ## The same time for `mano train`
#
# MANO is the multipole attention operator. mano trains it with a refinement that knows the equation, as fresh samples an epoch.

# %%
folder = pathlib.Path(tempfile.mkdtemp())
subprocess.run([sys.executable, "-m", "mano", "train", "--generate", "two-phase", "--resolution", f"{SIZE}x{SIZE}", "--samples", "200", "--epochs", "40",
                "--refine-epochs", "10", "--max-seconds", str(SECONDS), "-o", folder / "run"], check=True, stdout=subprocess.DEVNULL)
trained = mano.torch.load(folder / "run")

# %%
new = mano.draw("two-phase", seed=99, samples=16, resolution=(SIZE, SIZE))
solved = mano.solve_many(new).pressure
off = lambda p: np.mean([np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(p, solved)])  # noqa: E731
with torch.no_grad():
    by_fno = network(torch.tensor(new[:, None], dtype=torch.float32).log() - 1.8)[:, 0].double().numpy() * SCALE
    by_mano = trained(torch.tensor(new)).numpy()
    alone = mano.torch.load(folder / "run", direct=True)(torch.tensor(new)).numpy()
print(f"relative L2 error on 16 new fields: FNO {off(by_fno):.4f}, MANO's network alone {off(alone):.4f}, with its refinement {off(by_mano):.5f}")
figure = mano.plot.maps({"permeability": new[0], "pressure, solver": solved[0], "FNO - solver": by_fno[0] - solved[0], "MANO - solver": by_mano[0] - solved[0]},
               scale={"FNO - solver": "diverging", "MANO - solver": "diverging"})

# %% [markdown]
# The refinement is what makes MANO's prediction so near here: it knows the equation, which the FNO does not. Its network alone had only a part of the
# time; the rest went into the refinement.
#
# ## A permeability from 30 pressures
#
# The solver is differentiable: the gradient by the permeability is one more multigrid solve, of the adjoint equation. 30 pressures do not determine
# 1024 permeabilities, so we ask for a smooth field too.

# %%
truth = mano.draw("lognormal", seed=5, resolution=(SIZE, SIZE), correlation_length=0.4, smoothness=1.5)
setup = {"setup": "drive", "wells": [mano.Well(0.3, 0.7, rate=1.0), mano.Well(0.7, 0.3, rate=-1.0)]}
random = np.random.default_rng(0)
at = torch.tensor(random.choice(SIZE * SIZE, 30, replace=False))
measured = torch.tensor(mano.solve(truth, **setup).pressure).flatten()[at]
log_k = torch.zeros(SIZE, SIZE, dtype=torch.float64, requires_grad=True)
optimiser = torch.optim.Adam([log_k], lr=0.05)
start = time.monotonic()
for step in range(400):
    optimiser.zero_grad()
    p = mano.torch.solve(torch.exp(log_k), **setup)
    misfit = ((p.flatten()[at] - measured) ** 2).mean()
    rough = (log_k.diff(dim=0) ** 2).mean() + (log_k.diff(dim=1) ** 2).mean()
    (misfit + 1e-3 * rough).backward()
    optimiser.step()
print(f"400 gradients in {time.monotonic() - start:.1f} s; root mean square misfit {misfit.item() ** 0.5:.1e} of pressures between {p.min():.2f} and {p.max():.2f}")
found = log_k.detach().numpy()
print(f"correlation of the found log k with the true one: {np.corrcoef(found.ravel(), np.log(truth).ravel())[0, 1]:.2f}")
points = [((i % SIZE + 0.5) / SIZE, (i // SIZE + 0.5) / SIZE) for i in at.tolist()]
figure = mano.plot.maps({"log k, true": np.log(truth), "log k, found": found}, share=("log k, true", "log k, found"), wells=points)

# %% [markdown]
# ## What wells tell
#
# Rates and pressures of wells are differentiable too, by everything that drives the flow. Here the pressure in an injector's bore and the rate of a
# producer are measured in two tests, and a uniform permeability and the pressure at the right side are found from them. Peaceman's well model is in the
# gradients.


# %%
def well_test(log_k, side, rate):
    wells = [mano.Well(0.3, 0.3, rate=rate, radius=1e-3), mano.Well(0.7, 0.7, bhp=0.0, radius=1e-3)]
    flow = mano.torch.solve(torch.exp(log_k) * torch.ones(SIZE, SIZE, dtype=torch.float64), wells=wells, right=mano.Pressure(side), with_wells=True)
    return torch.stack([flow.well_pressure[0], flow.well_rate[1]])


SIZE = 32
measured = [well_test(torch.tensor(1.2), torch.tensor(0.5), rate).detach() for rate in (1.0, 2.0)]
log_k, side = (torch.zeros((), dtype=torch.float64, requires_grad=True) for _ in range(2))
optimiser = torch.optim.LBFGS([log_k, side], max_iter=30, line_search_fn="strong_wolfe", tolerance_grad=1e-12, tolerance_change=1e-14)


def misfit():
    optimiser.zero_grad()
    off = sum((well_test(log_k, side, rate) - seen).square().sum() for rate, seen in zip((1.0, 2.0), measured))
    off.backward()
    return off


optimiser.step(misfit)
print(f"log k {log_k.item():.4f} (true: 1.2), pressure at the side {side.item():.4f} (true: 0.5)")

# %% [markdown]
# ## Water displaces oil
#
# `mano.simulate` moves two fluids through the rock, from a five-spot's injector in the south-west to its producer. `mano.generate(..., problem="displacement")`
# makes datasets of it.

# %%
k = mano.draw("lognormal", seed=1, resolution=(64, 64))
s = mano.simulate(k, viscosity_ratio=5, until=0.6, snapshots=3)
print(s, f"breakthrough at {s.breakthrough:.3f} pore volumes, water cut at the end {s.curve.water_cut[-1]:.2f}")
figure = mano.plot.maps({"permeability": k, **{f"saturation, {t:g} pore volumes": saturation for t, saturation in zip(s.times, s.saturation)}},
                        scale={"permeability": "logarithmic"}, share=[f"saturation, {t:g} pore volumes" for t in s.times])
