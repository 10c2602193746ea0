"""mano's networks and models as torch modules. Needs the torch that mano was built with, importable: elsewhere one line says so."""
import copy
import pickle
import subprocess

import mano
import mano.torch
import numpy as np
import pytest
import torch
from conftest import PROGRAM
from mano import _core

FITS = torch.__version__.split("+")[0].split("a")[0] == _core.torch_version
needs_its_torch = pytest.mark.skipif(not FITS, reason=f"needs torch {_core.torch_version}")
NETWORKS = ["mano", "fno", "vit", "swin", "unet", "xcit", "qna", "shunted", "hlg", "reguformer", "mat", "lit", "transdepth"]


def difference(f, x, direction, step):
    with torch.no_grad():
        return (f(x + step * direction) - f(x - step * direction)).item() / (2 * step)


@pytest.mark.skipif(FITS, reason="the torch that fits is there")
def test_another_torch_is_told_in_a_line():
    with pytest.raises(mano.MissingPart, match=f"need torch {_core.torch_version}, installed is"):
        mano.torch.Network.new("fno")


@needs_its_torch
@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_of_every_network_are_those_of_finite_differences(name):
    torch.manual_seed(1)
    network = mano.torch.Network.new(name, seed=3).double()
    x, direction = torch.randn(2, 1, 3, 16, 16, dtype=torch.float64)
    x.requires_grad_(True)
    loss = lambda values: network(values).square().sum()  # noqa: E731
    loss(x).backward()
    assert (x.grad * direction).sum().item() == pytest.approx(difference(loss, x, direction, 1e-5), rel=1e-6)
    assert all(p.grad is not None for p in network.parameters())
    parameter = next(p for n, p in network.named_parameters() if n.endswith("bias"))
    along = torch.randn_like(parameter)
    found, start = (parameter.grad * along).sum().item(), parameter.detach().clone()
    values = []
    with torch.no_grad():
        for step in (1e-5, -1e-5):
            parameter.copy_(start + step * along)
            values.append(loss(x).item())
    assert found == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-6, abs=1e-9)


@needs_its_torch
def test_a_network_is_an_ordinary_module(tmp_path):
    network = mano.torch.Network.new("unet", seed=5)
    x = torch.randn(1, 3, 16, 16)
    y = network(x)
    assert torch.equal(copy.deepcopy(network)(x), y) and torch.equal(pickle.loads(pickle.dumps(network))(x), y)
    other = mano.torch.Network.new("unet", seed=6)
    assert not torch.equal(other(x), y)
    other.load_state_dict(network.state_dict())
    assert torch.equal(other(x), y)
    zeros = {name: torch.zeros_like(p) for name, p in network.named_parameters()}
    assert torch.all(torch.func.functional_call(network, zeros, (x,)) == 0) and torch.equal(network(x), y)
    with pytest.raises(mano.InputError, match=r"shape \[1, 4, 16, 16\], expected \[B, 3, H, W\]"):
        network(torch.randn(1, 4, 16, 16))


@pytest.fixture(scope="module")
def runs(trained, tmp_path_factory):
    """Models by name: MANO, an FNO, and a MANO that knows inactive cells."""
    if not FITS:
        pytest.skip(f"needs torch {_core.torch_version}")
    folder = tmp_path_factory.mktemp("models")
    for arguments in (["generate", "--field", "two-phase", "--samples", 40, "--resolution", "16x16", "-o", "d.h5"],
                      ["generate", "--field", "two-phase", "--inactive", "blobs:0.2", "--drop-islands", "--samples", 40, "--resolution", "16x16", "-o", "i.h5"],
                      ["train", "--data", "d.h5", "-o", "fno", "--model", "fno", "--epochs", 2, "--refine-epochs", 4, "--held-out", 0.3],
                      ["train", "--data", "i.h5", "-o", "inactive", "--epochs", 2, "--refine-epochs", 4, "--held-out", 0.3]):
        result = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, cwd=folder, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
    return {"mano": trained, "fno": folder / "fno", "inactive": folder / "inactive"}


def rock_of(name):
    if name != "inactive":
        return mano.draw("two-phase", seed=4, samples=2, resolution=(24, 20)), None
    return mano.draw("two-phase", seed=4, samples=2, resolution=(24, 20), inactive=0.2)


@pytest.mark.parametrize("method", ["multigrid", "direct", "interpolation"])
@pytest.mark.parametrize("name", ["mano", "fno", "inactive"])
def test_a_module_predicts_what_the_model_does(runs, name, method):
    k, active = rock_of(name)
    model = mano.load(runs[name])
    expected = model.predict(k, active=active, method=method)
    rock = torch.tensor(k if active is None else np.where(active, k, 0.0))
    found = model.module(method)(rock).detach().numpy()
    known = np.isfinite(expected)
    assert np.linalg.norm(found[known] - expected[known]) <= 1e-6 * np.linalg.norm(expected[known]) and np.all(found[~known] == 0)


@pytest.mark.parametrize("name", ["mano", "fno", "inactive"])
def test_gradients_pass_through_the_cycles(runs, name):
    k, active = rock_of(name)
    module = mano.torch.Model(runs[name]).double()
    there = torch.ones(k.shape, dtype=torch.bool) if active is None else torch.tensor(active)
    log_k = torch.tensor(np.log(k), requires_grad=True)
    loss = lambda values: module(torch.where(there, torch.exp(values), 0.0)).square().sum()  # noqa: E731
    loss(log_k).backward()
    direction = torch.tensor(np.random.default_rng(1).standard_normal(k.shape))
    assert (log_k.grad * direction).sum().item() == pytest.approx(difference(loss, log_k, direction, 1e-5), rel=1e-6)
    assert torch.all(log_k.grad[~there] == 0) and all(p.grad is not None for p in module.parameters())


def test_fine_tuning_lowers_the_loss_and_goes_back_into_a_checkpoint(runs, tmp_path):
    k = torch.tensor(mano.draw("two-phase", seed=9, samples=4, resolution=(16, 16)))
    p = torch.tensor(mano.solve_many(k.numpy()).pressure)
    module = mano.torch.Model(runs["fno"], method="direct")
    optimizer = torch.optim.Adam(module.parameters(), 1e-2)
    losses = []
    for _ in range(30):
        optimizer.zero_grad(set_to_none=True)
        loss = (module(k) - p).norm() / p.norm()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
    (tmp_path / "tuned").mkdir()
    mano.torch.save(runs["fno"], module, tmp_path / "tuned/model.safetensors")
    assert np.allclose(mano.load(tmp_path / "tuned").predict(k.numpy(), method="direct"), module(k).detach().numpy(), rtol=1e-5, atol=1e-7)


def test_bad_input_of_models(runs):
    module = mano.torch.Model(runs["fno"])
    for call, message in ((lambda: module(torch.ones(3)), r"shape \[3\]"), (lambda: module(-torch.ones(16, 16)), "above zero"),
                          (lambda: mano.torch.Model(runs["fno"], "exact-start")(torch.ones(16, 16)), "no gradients"),
                          (lambda: mano.torch.Network.new("lenet"), "lenet"), (lambda: mano.torch.Model("absent"), "absent")):
        with pytest.raises(mano.InputError, match=message) as caught:
            call()
        assert "\n" not in str(caught.value)
