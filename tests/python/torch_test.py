"""mano.torch with the torch of Python, whichever version: gradients, streams in a DataLoader, trained networks as modules, figures."""
import multiprocessing

import mano
import mano.torch
import numpy as np
import pytest
import torch
from mano import _core
from torch.utils.data import DataLoader

GRADIENT = 1e-6  # against differences of fourth order; the solves' tolerance is 1e-14
ACTIVE = np.ones((12, 16), bool)
ACTIVE[3:5, 4:8] = False
SETUPS = [{}, {"setup": "drive"}, {"setup": "five-spot"}, {"setup": "drive", "anisotropy": 0.1}, {"active": ACTIVE}, {"setup": "five-spot", "active": ACTIVE},
          {"wells": [mano.Well(0.3, 0.3, rate=1), mano.Well(1.5, 0.7, bhp=0.2, radius=1e-3)]},
          {"left": mano.Flux(-1), "right": mano.Pressure(list(range(12)))}, {"setup": "drive", "source": np.linspace(0, 5, 192).reshape(12, 16)},
          {"setup": "drive", "units": "metric", "viscosity": 2.0, "wells": [mano.Well(0.3, 0.3, bhp=1, radius=1e-3)]}]


@pytest.mark.parametrize("number", range(len(SETUPS)))
def test_the_adjoint_gives_the_gradient_of_finite_differences(number):
    random = np.random.default_rng(number)
    k = mano.draw("lognormal", seed=9, samples=2, resolution=(16, 12), size=(2, 1))
    log_k = torch.tensor(np.log(k), requires_grad=True)
    weights, direction = torch.tensor(random.standard_normal(k.shape)), torch.tensor(random.standard_normal(k.shape))

    def loss(log_k):
        p = mano.torch.solve(torch.exp(log_k), size=(2, 1), tolerance=1e-14, **SETUPS[number])
        known = ~torch.isnan(p)
        return (weights[known] * torch.sin(3 * p[known])).sum()

    loss(log_k).backward()
    with torch.no_grad():
        at = lambda step: loss(log_k + step * direction).item()  # noqa: E731
        h = 1e-4
        difference = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
    assert (log_k.grad * direction).sum().item() == pytest.approx(difference, rel=GRADIENT)
    if "active" in SETUPS[number]:
        assert torch.all(log_k.grad[:, ~torch.tensor(ACTIVE)] == 0)


def test_the_usual_tolerance_gives_the_same_gradient():
    found = []
    for tolerance in (1e-10, 1e-14):
        log_k = torch.tensor(np.log(mano.draw("lognormal", seed=2, samples=3, resolution=(48, 32))), requires_grad=True)
        mano.torch.solve(torch.exp(log_k), setup="drive", tolerance=tolerance).square().sum().backward()
        found.append(log_k.grad)
    assert (found[0] - found[1]).norm() <= GRADIENT * found[1].norm()


def test_every_cell_has_its_own_derivative():
    k = torch.tensor(mano.draw("two-phase", resolution=(5, 4)), requires_grad=True)
    mano.torch.solve(k, setup="drive", tolerance=1e-14)[1, 2].backward()
    for cell in np.ndindex(4, 5):
        other = k.detach().numpy().copy()
        other[cell] *= 1 + 1e-5
        less = k.detach().numpy().copy()
        less[cell] *= 1 - 1e-5
        difference = (mano.solve(other, setup="drive", tolerance=1e-14).pressure - mano.solve(less, setup="drive", tolerance=1e-14).pressure)[1, 2] / (2e-5 * k[cell].item())
        assert k.grad[cell].item() == pytest.approx(difference, rel=1e-5, abs=1e-10)


def everything(k, source, rate, bhp, left, right, top, **more):
    """A flow that all of these drive: wells of three kinds, pressures and fluxes on sides."""
    return mano.torch.solve(k, source=source, left=mano.Pressure(left), right=mano.Pressure(right), top=mano.Flux(top), active=ACTIVE[::2, ::2], size=(2, 1),
                            wells=[mano.Well(0.3, 0.3, rate=rate, radius=1e-3), mano.Well(1.5, 0.7, bhp=bhp, radius=1e-3), mano.Well(1.1, 0.1, rate=-0.2)],
                            tolerance=1e-14, with_wells=True, **more)


@pytest.mark.parametrize("more", [{}, {"anisotropy": 0.2}, {"units": "metric", "viscosity": 2.0, "thickness": 3.0}])
def test_gradcheck_of_all_that_drives_the_flow(more):
    scale = 100.0 if more.get("units") else 1.0  # mD
    number = lambda *values: torch.tensor(*values, dtype=torch.float64, requires_grad=True)  # noqa: E731
    log_k = number(np.log(scale * mano.draw("two-phase", seed=9, samples=2, resolution=(8, 6), size=(2, 1))))
    given = (number(np.linspace(0, 1, 48).reshape(6, 8)), number(0.7), number(1.3), number(0.9), number(np.linspace(0, 1, 6)), number(-0.3))

    def outputs(log_k, *given):
        flow = everything(torch.exp(log_k), *given, **more)
        known = [torch.isfinite(part) for part in flow]
        assert [int(k.sum()) for k in known] == [2 * int(ACTIVE[::2, ::2].sum()), 6, 4]
        return tuple(part[k] for part, k in zip(flow, known))

    assert torch.autograd.gradcheck(outputs, (log_k, *given), eps=1e-4, atol=1e-6, rtol=1e-6)
    flow = everything(torch.exp(log_k), *given, **more)
    result = mano.solve(torch.exp(log_k)[1].detach(), source=given[0].detach(), left=mano.Pressure(0.9), right=mano.Pressure(np.linspace(0, 1, 6)),
                        top=mano.Flux(-0.3), active=ACTIVE[::2, ::2], size=(2, 1), tolerance=1e-14, **more,
                        wells=[mano.Well(0.3, 0.3, rate=0.7, radius=1e-3), mano.Well(1.5, 0.7, bhp=1.3, radius=1e-3), mano.Well(1.1, 0.1, rate=-0.2)])
    for found, name in ((flow.well_rate, "rate"), (flow.well_pressure, "pressure")):
        assert np.allclose(found[1].detach().numpy(), [getattr(w, name) for w in result.wells], rtol=1e-9, equal_nan=True)


def test_a_source_for_each_sample_and_shared_numbers():
    k = torch.tensor(mano.draw("two-phase", samples=3, resolution=(8, 6)))
    each, one, rate = torch.rand(3, 6, 8, dtype=torch.float64, requires_grad=True), torch.tensor(2.0, requires_grad=True), torch.tensor(1.0, requires_grad=True)
    mano.torch.solve(k, setup="drive", source=each).sum().backward()
    assert each.grad.shape == each.shape and (each.grad > 0).all()
    with pytest.raises(mano.InputError, match="source has the shape"):
        mano.torch.solve(k, setup="drive", source=each[:2])
    # The pressure is linear in sources and rates: the gradient is the pressure of one more.
    mano.torch.solve(k, setup="drive", source=one, wells=mano.Well(0.5, 0.5, rate=rate)).sum().backward()
    more = lambda f, q: mano.solve_many(k, setup="drive", source=f, wells=mano.Well(0.5, 0.5, rate=q)).pressure.sum()  # noqa: E731
    assert one.grad.item() == pytest.approx(more(3, 1) - more(2, 1), rel=GRADIENT) and rate.grad.item() == pytest.approx(more(2, 2) - more(2, 1), rel=GRADIENT)


def test_where_no_pressure_is_given_gradients_are_those_of_balanced_changes():
    k = torch.tensor(mano.draw("lognormal", seed=3, resolution=(10, 8)))

    def drawdown(rate):
        flow = mano.torch.solve(k, wells=[mano.Well(0.2, 0.2, rate=rate, radius=1e-3), mano.Well(0.8, 0.8, rate=-rate, radius=1e-3)], with_wells=True, tolerance=1e-14)
        return flow.well_pressure[0] - flow.well_pressure[1]

    rate = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    drawdown(rate).backward()
    assert rate.grad.item() == pytest.approx(drawdown(torch.tensor(1.0)).item(), rel=GRADIENT)  # it is in proportion


def test_shapes_types_and_errors_of_solve():
    k = mano.draw("two-phase", samples=6, resolution=(8, 8))
    p = mano.torch.solve(torch.tensor(k, dtype=torch.float32).reshape(2, 3, 8, 8), setup="drive")
    assert p.shape == (2, 3, 8, 8) and p.dtype == torch.float32 and np.allclose(p.reshape(6, 8, 8).numpy(), mano.solve_many(k, setup="drive").pressure, atol=1e-6)
    assert not p.requires_grad
    with pytest.raises(mano.InputError, match="permeability is -12 in cell"):
        mano.torch.solve(-torch.tensor(k))
    grown = torch.tensor(k, requires_grad=True)
    square = grown * 1.0
    loss = mano.torch.solve(square).sum()
    square.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def batches(workers, context=None, **more):
    stream = mano.torch.Stream("two-phase", resolution=(16, 8), seed=7, samples=80, **more)
    size = None if "batch" in more else 32
    return list(DataLoader(stream, batch_size=size, num_workers=workers, multiprocessing_context=context))


def test_workers_make_the_batches_of_one_process():
    expected = batches(0)
    assert [len(k) for k, _ in expected] == [32, 32, 16] and expected[0][0].dtype == torch.float32 and expected[0][1].shape == (32, 8, 16)
    assert np.array_equal(torch.cat([k for k, _ in expected]), mano.draw("two-phase", seed=7, samples=80, resolution=(16, 8)).astype(np.float32))
    for workers, context in ((1, "fork"), (2, "fork"), (2, "spawn")):
        found = batches(workers, context)
        assert all(torch.equal(a, b) for x, y in zip(found, expected) for a, b in zip(x, y)) and len(found) == 3
    whole = batches(2, batch=16, channel=True, dtype=torch.float64)
    assert len(whole) == 5 and whole[0][0].shape == (16, 1, 8, 16)
    assert torch.equal(torch.cat([p for _, p in whole])[:, 0].float(), torch.cat([p for _, p in expected]))


def test_workers_that_are_forked_after_petsc_has_started():
    k = 10 ** np.random.default_rng(0).uniform(-6, 6, (64, 64))
    assert mano.solve(k, setup="drive").method != "multigrid" and _core.petsc_is_running()
    expected = batches(0)
    assert all(torch.equal(a, b) for x, y in zip(batches(2), expected) for a, b in zip(x, y))


def test_an_endless_stream_and_one_of_new_samples_every_epoch():
    endless = iter(DataLoader(mano.torch.Stream("layered", resolution=(6, 6), block=4), batch_size=4, num_workers=2))
    first = [next(endless) for _ in range(3)]
    assert torch.equal(first[2][1][3], torch.tensor(mano.solve(mano.draw("layered", sample=11, resolution=(6, 6))).pressure.astype(np.float32)))
    stream = mano.torch.Stream("layered", resolution=(6, 6), samples=4)
    epoch = [k for k, _ in stream]
    stream.first += 4
    assert len(stream) == 4 and not torch.equal(epoch[0], next(iter(stream))[0])
    with pytest.raises(mano.InputError, match="do not divide"):
        mano.torch.Stream("layered", resolution=(6, 6), samples=5, batch=2)
    with pytest.raises(TypeError, match="endless"):
        len(mano.torch.Stream("layered", resolution=(6, 6)))


def test_a_network_of_torch_predicts_what_the_program_does(trained, program, tmp_path):
    program("predict", "--model", trained, "--field", "two-phase", "--seed", 4, "--samples", 2, "--resolution", "24x20", "-o", "p.h5")
    k = torch.tensor(mano.draw("two-phase", seed=4, samples=2, resolution=(24, 20)))
    assert_near(mano.torch.load(trained)(k), mano.Dataset(tmp_path / "p.h5")[:].pressure)


def assert_near(found, expected):
    assert np.linalg.norm(found.detach().numpy() - expected) <= 1e-5 * np.linalg.norm(expected)


@pytest.mark.parametrize("direct", [False, True])
def test_gradients_pass_through_a_trained_network(trained, direct):
    network = mano.torch.load(trained, direct=direct).double()
    assert all(p.requires_grad for p in network.parameters()) and "linear_p.weight" in " ".join(dict(network.named_parameters()))
    log_k = torch.tensor(np.log(mano.draw("two-phase", seed=4, samples=1, resolution=(20, 16))), requires_grad=True)
    loss = lambda values: network(torch.exp(values)).square().sum()  # noqa: E731
    loss(log_k).backward()
    direction = torch.tensor(np.random.default_rng(1).standard_normal(log_k.shape))
    with torch.no_grad():
        h = 1e-5
        difference = (loss(log_k + h * direction) - loss(log_k - h * direction)).item() / (2 * h)
    assert (log_k.grad * direction).sum().item() == pytest.approx(difference, rel=1e-5)
    assert all(p.grad is not None for p in network.parameters())


def test_weights_go_back_into_a_checkpoint(trained, tmp_path, program):
    network = mano.torch.load(trained)
    with torch.no_grad():
        network.direct.network.output_layer.bias += 0.25
    (tmp_path / "changed").mkdir()
    mano.torch.save(trained, network, tmp_path / "changed/model.safetensors")
    k = torch.tensor(mano.draw("two-phase", seed=4, samples=2, resolution=(16, 16)))
    assert_near(mano.torch.load(tmp_path / "changed")(k), network(k).detach().numpy())
    assert "no prediction intervals" in program("info", tmp_path / "changed")
    with pytest.raises(mano.InputError, match="no checkpoint"):
        mano.torch.load(tmp_path)


def test_models_of_the_program_need_its_torch(trained):
    if torch.__version__.split("+")[0].split("a")[0] == _core.torch_version:
        assert mano.load(trained).predict(np.full((16, 16), 3.0)).shape == (16, 16)
    else:
        with pytest.raises(mano.MissingPart, match=f"need torch {_core.torch_version}, installed is"):
            mano.load(trained)


def test_maps_are_drawn_as_in_the_report():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import mano.plot

    k = mano.draw("lognormal", resolution=(16, 8), size=(2, 1))
    p = mano.solve(k, size=(2, 1), setup="drive").pressure
    q = p.copy()
    q[0, 0] = np.nan
    figure = mano.plot.maps({"k": k, "p": p, "q": q, "q - p": torch.tensor(q - p)}, scale={"k": "logarithmic", "q - p": "diverging"}, size=(2, 1), share=("p", "q"),
                            wells=[mano.Well(0.5, 0.5, rate=1)])
    images = [axis.images[0] for axis in figure.axes[:4]]
    assert [image.cmap.name for image in images] == ["viridis"] * 3 + ["RdBu_r"] and images[0].origin == "lower" and list(images[0].get_extent()) == [0, 2, 0, 1]
    assert images[1].norm.vmin == images[2].norm.vmin == np.nanmin([p, q]) and images[3].norm.vmin == -images[3].norm.vmax
    assert np.array_equal(images[1].get_array(), p)
    for bad, message in (({"k": k - 100}, "logarithmically"), ({"k": np.ones(3)}, "shape"), ({"k": np.full((2, 2), np.nan)}, "no finite")):
        with pytest.raises(mano.InputError, match=message):
            mano.plot.maps(bad, scale="logarithmic")
    with pytest.raises(mano.InputError, match="scale of 'k' is 'magic'"):
        mano.plot.maps({"k": k}, scale="magic")


assert multiprocessing.get_start_method() == "fork"
