"""What a user writes, for a type checker: tests/python/typing_test.py runs mypy over it, nobody runs it.

assert_type fails where a type is another or unknown. A `type: ignore` that is not needed fails, too: there mano's types must refuse what is written.
"""
from typing import Any, Optional, Union, assert_type

import mano
import mano.plot
import mano.torch
import numpy as np
import torch
from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]
Volume = np.ones((4, 5, 6))
SIZE = (1.0, 1.0, 0.2)

# Permeabilities and pressures
k = mano.draw("two-phase", seed=1, resolution=(64, 64))
assert_type(k, Array)
assert_type(mano.draw("layered", resolution="8x8", inactive=0.2), tuple[Array, Array])
mano.draw("layered")  # type: ignore[call-overload]

well = mano.Well(0.5, 0.5, bhp=0.0, radius=1e-3, layers=(1, 2), name="P")
r = mano.solve(Volume, size=SIZE, wells=[well], left=mano.Pressure(1), top=mano.Flux(np.zeros(30)), front=mano.Pressure([0.0, 1.0]), anisotropy_z=0.1)
assert_type(r, mano.Result)
assert_type(r.pressure, Array)
assert_type(r.flux.z, Optional[Array])
assert_type(r.outflow, dict[str, float])
assert_type(r.wells[0].layers, list[tuple[int, float]])
assert_type((r.residual, r.iterations, r.method, r.mass_balance_error), tuple[float, int, str, float])
mano.solve(k, wells=well)
mano.solve(k, wells=0.5)  # type: ignore[arg-type]
mano.solve(k, left=1.0)  # type: ignore[arg-type]
mano.solve(k, setup=3)  # type: ignore[arg-type]
mano.solve(k, anisotropy_y=0.1)  # type: ignore[call-arg]
mano.Well(0.5, 0.5, rate="1")  # type: ignore[arg-type]
r.presure  # type: ignore[attr-defined]

many = mano.solve_many(k, threads=2, dtype=np.float32)
assert_type(many.iterations, Array)
assert_type(mano.upscale(k).x.effective, float)
assert_type(mano.upscale(k).z, Optional[mano.Direction])

# Displacements, datasets, streams
s = mano.simulate(k, until="365d", snapshots=6, porosity=0.2)
assert_type((s.breakthrough, s.saturation, s.curve.recovery), tuple[float, Array, Array])
data = mano.generate("data.h5", "lognormal", samples=10, resolution=(32, 32), setup="drive")
assert_type(data, mano.Dataset)
assert_type(data[0], Union[mano.Sample, mano.DisplacementSample])
assert_type(data.info, dict[str, Any])
assert_type(mano.plot.maps({"k": k}, wells=[well]), Figure)
for pair in mano.Stream("layered", resolution=(8, 8), samples=3):
    assert_type(pair, tuple[Array, ...])

# Gradients
log_k = torch.zeros(32, 32, requires_grad=True)
rate = torch.tensor(1.0, requires_grad=True)
wells = [mano.Well(0.2, 0.2, rate=rate, radius=1e-3), well]
assert_type(mano.torch.solve(torch.exp(log_k), setup="drive", left=mano.Pressure(rate), permeability_y=log_k), torch.Tensor)
flow = mano.torch.solve(torch.exp(log_k), wells=wells, with_wells=True)
assert_type((flow.pressure, flow.well_rate, flow.well_pressure), tuple[torch.Tensor, torch.Tensor, torch.Tensor])
mano.torch.solve(log_k, anisotropy="0.1")  # type: ignore[call-overload]
for tensors in mano.torch.Stream("layered", resolution=(8, 8)):
    assert_type(tensors, tuple[torch.Tensor, ...])

# Models
model = mano.load("run")
assert_type(model.predict(k), Array)
assert_type(model.correct(k, 2, estimate=True), mano.Estimated)
assert_type(model.interval(k), tuple[Array, Array])
assert_type(model.module(), mano.torch.Model)
assert_type(mano.torch.Network.new("fno"), mano.torch.Network)
history = mano.load_displacement("run").predict(k, wells=[well], times=[0.1, 0.2])
assert_type(history, mano.DisplacementPrediction)
assert_type((history.saturation, history.water_cut), tuple[Array, Array])
