"""Gradients of volumes, and by the permeability along each axis, of flat grids too, against finite differences."""
import mano
import mano.torch
import numpy as np
import pytest
import torch

SIZE = (2.0, 1.0, 0.25)
SHAPE = (4, 3, 5)  # [nz, ny, nx]: hx, hy, hz are 0.4, 0.33, 0.0625
ACTIVE = np.ones(SHAPE, bool)
ACTIVE[1, 1, 3] = ACTIVE[0, 1, 0] = ACTIVE[2, 2, 1] = False  # the first is in the middle of a well
RANDOM = np.random.default_rng(0)
K = np.exp(RANDOM.standard_normal((2, *SHAPE)))


def number(*values):
    return torch.tensor(*values, dtype=torch.float64, requires_grad=True)


def drivers(source, through_rate, through_bhp, rate, back, front, top, bottom):
    """What drives a volume: wells of three kinds through layers, pressures and fluxes on sides."""
    return {"source": source, "back": mano.Pressure(back), "front": mano.Flux(front), "top": mano.Pressure(top), "bottom": mano.Flux(bottom),
            "wells": [mano.Well(0.3, 0.5, rate=through_rate, radius=1e-3), mano.Well(1.5, 0.5, bhp=through_bhp, radius=1e-3, layers=(1, 3)),
                      mano.Well(1.5, 0.5, rate=rate, layers=(1, 4))]}


def values():
    return (number(RANDOM.uniform(0, 1, SHAPE)), number(0.7), number(1.3), number(-0.4), number(RANDOM.uniform(0, 1, (4, 5))), number(-0.3),
            number(RANDOM.uniform(0, 1, 15)), number(RANDOM.uniform(-0.1, 0.1, (3, 5))))


def check(function, *inputs):
    def known(*given):
        return tuple(part[torch.isfinite(part)] for part in function(*given))

    assert torch.autograd.gradcheck(known, inputs, eps=1e-4, atol=1e-6, rtol=1e-6)


UNITS = {"units": "metric", "viscosity": 2.0}


@pytest.mark.parametrize("more", [{}, {"anisotropy": 0.2, "anisotropy_z": 0.1}, UNITS])
def test_gradcheck_of_all_that_drives_a_volume(more):
    scale = 100.0 if more is UNITS else 1.0  # mD
    fixed = {"size": SIZE, "active": ACTIVE, "tolerance": 1e-14}

    def flow(log_k, *given):
        return mano.torch.solve(scale * torch.exp(log_k), with_wells=True, **fixed, **more, **drivers(*given))

    log_k, given = number(np.log(K)), values()
    found = flow(log_k, *given)
    assert [int(torch.isfinite(part).sum()) for part in found] == [2 * int(ACTIVE.sum()), 6, 4]
    check(flow, log_k, *given)
    result = mano.solve(scale * K[1], **fixed, **more, **drivers(*(value.detach().numpy() if value.ndim else value.item() for value in given)))
    assert np.allclose(found.pressure[1].detach().numpy(), result.pressure, rtol=1e-9, equal_nan=True)
    for part, name in ((found.well_rate, "rate"), (found.well_pressure, "pressure")):
        assert np.allclose(part[1].detach().numpy(), [getattr(w, name) for w in result.wells], rtol=1e-9, equal_nan=True)


@pytest.mark.parametrize("setup", ["drive", "five-spot"])
def test_named_problems_of_volumes_and_flat_grids_one_after_the_other(setup):
    for shape, size in ((SHAPE, SIZE), ((4, 15), (2.0, 1.0)), (SHAPE, SIZE)):  # all of 60 cells: the memory is used again
        check(lambda log_k, size=size: (mano.torch.solve(torch.exp(log_k), setup=setup, size=size, tolerance=1e-14),), number(np.log(K[0]).reshape(shape)))


@pytest.mark.parametrize("shape", [SHAPE, (6, 5)])
@pytest.mark.parametrize("more", [{}, UNITS])
def test_each_direction_has_its_own_derivative(shape, more):
    volume = len(shape) == 3
    scale = 100.0 if more else 1.0
    fields = [number(RANDOM.standard_normal((*n, *shape))) for n in ((2,), (), (2,))][:len(shape)]  # the second serves both samples
    wells = [mano.Well(0.3, 0.5, rate=0.7, radius=1e-3), mano.Well(1.5, 0.9, bhp=0.3, radius=1e-3), mano.Well(1.1, 0.1, rate=-0.2)]

    def flow(*logs):
        k, *others = (scale * torch.exp(log) for log in logs)
        return mano.torch.solve(k, **dict(zip(("permeability_y", "permeability_z"), others)), source=1.0, left=mano.Pressure(0.5), top=mano.Pressure(0.2),
                                wells=wells, size=SIZE[:len(shape)], tolerance=1e-14, with_wells=True, **more)

    check(flow, *fields)
    flow(*fields).pressure.sum().backward()
    assert all(field.grad.shape == field.shape and field.grad.abs().min() > 0 for field in fields) and len(fields) == 2 + volume


def test_ratios_are_kept_where_what_is_given_is_no_tensor():
    def gradient(**more):
        k = number(K)
        mano.torch.solve(k, setup="drive", size=SIZE, wells=mano.Well(0.3, 0.5, rate=1, radius=1e-3), tolerance=1e-14, **{n: f(k) for n, f in more.items()}).square().sum().backward()
        return k.grad

    along = gradient(anisotropy=lambda k: 0.3, anisotropy_z=lambda k: 0.1)
    derived = gradient(permeability_y=lambda k: 0.3 * k, permeability_z=lambda k: 0.1 * k)
    arrays = gradient(permeability_y=lambda k: 0.3 * K, permeability_z=lambda k: 0.1 * K)
    fixed = gradient(permeability_y=lambda k: torch.tensor(0.3 * K), permeability_z=lambda k: torch.tensor(0.1 * K))
    assert torch.allclose(derived, along, rtol=1e-9) and torch.allclose(arrays, along, rtol=1e-9)
    assert (fixed - along).norm() > 0.1 * along.norm()


def test_shapes_and_errors_of_volumes():
    k = torch.tensor(K, dtype=torch.float32)
    many = mano.torch.solve(k.reshape(2, 1, *SHAPE), setup="drive", size=SIZE)
    assert many.shape == (2, 1, *SHAPE) and many.dtype == torch.float32
    for bad, message in (({"size": (1, 1, 1, 1)}, "expected \\(lx, ly\\)"), ({"permeability_y": k[:, 1:]}, "permeability_y has the shape"), ({"thickness": 2.0, "units": "metric"}, "a volume has its own"),
                         ({"source": torch.ones(3, 5)}, "source is an array .* expected numbers"), ({"left": mano.Pressure(torch.ones(3, 4))}, r"side left has values of the shape \[3, 4\], .* \[4, 3\]"),
                         ({"wells": mano.Well(0.5, 0.5, rate=1, layers=(2, 9))}, "layers")):
        with pytest.raises(mano.InputError, match=message):
            mano.torch.solve(k, **{"size": SIZE, **bad})
    with pytest.raises(mano.InputError, match="permeability_z is for volumes, the grid is 5x3"):
        mano.torch.solve(k[0, 0], permeability_z=k[0, 0])
    with pytest.raises(mano.InputError, match="permeability is an array"):
        mano.torch.solve(k[0, 0], size=SIZE)
    rows = [[torch.tensor(1.0, requires_grad=True) for _ in range(3)] for _ in range(4)]  # one a face, as they come
    mano.torch.solve(k, size=SIZE, left=mano.Pressure(rows), right=mano.Pressure(0)).sum().backward()
    assert rows[1][2].grad > 0
