"""An independent discretisation of -div(k grad p) = f, solved directly with SciPy. Shares no code with mano."""
import numpy as np
import scipy.sparse as sparse
import scipy.sparse.linalg


def solve(k, lx=1.0, ly=1.0, setup="benchmark"):
    """k[ny, nx] -> p[ny, nx]."""
    k = np.asarray(k, dtype=float)
    ny, nx = k.shape
    hx, hy = lx / nx, ly / ny
    number = np.arange(nx * ny).reshape(ny, nx)
    rows, columns, values = [], [], []
    rhs = np.zeros(nx * ny)

    def couple(a, b, t):
        for r, c, v in ((a, a, t), (b, b, t), (a, b, -t), (b, a, -t)):
            rows.append(r.ravel()), columns.append(c.ravel()), values.append(v.ravel())

    def pressure_side(cells, t, value):
        rows.append(cells), columns.append(cells), values.append(t)
        rhs[cells] += t * value

    couple(number[:, :-1], number[:, 1:], 2 / (1 / k[:, :-1] + 1 / k[:, 1:]) * hy / hx)
    couple(number[:-1], number[1:], 2 / (1 / k[:-1] + 1 / k[1:]) * hx / hy)
    if setup in ("benchmark", "drive"):
        pressure_side(number[:, 0], 2 * k[:, 0] * hy / hx, 1.0 if setup == "drive" else 0.0)
        pressure_side(number[:, -1], 2 * k[:, -1] * hy / hx, 0.0)
    if setup == "benchmark":
        pressure_side(number[0], 2 * k[0] * hx / hy, 0.0)
        pressure_side(number[-1], 2 * k[-1] * hx / hy, 0.0)
        rhs += hx * hy
    if setup == "five-spot":
        rhs[number[0, 0]] += 1
        rhs[number[-1, -1]] -= 1
        # Pin one cell; the mean is taken off afterwards.
        rows.append(np.array([0])), columns.append(np.array([0])), values.append(np.array([k[0, 0]]))
    matrix = sparse.csc_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))))
    p = sparse.linalg.spsolve(matrix, rhs).reshape(ny, nx)
    return p - p.mean() if setup == "five-spot" else p


def peaceman(kx, ky, hx, hy, radius):
    """Well index of D. W. Peaceman (1983)."""
    a, b = np.sqrt(ky / kx), np.sqrt(kx / ky)
    equivalent = 0.28 * np.sqrt(a * hx**2 + b * hy**2) / (np.sqrt(a) + np.sqrt(b))
    return 2 * np.pi * np.sqrt(kx * ky) / np.log(equivalent / radius)


def solve_general(kx, ky, lx, ly, sides, source=None, rates=(), pressures=()):
    """sides: name -> (type, values); rates: (i, j, rate); pressures: (i, j, pressure, radius). Some pressure must be given."""
    ny, nx = kx.shape
    hx, hy = lx / nx, ly / ny
    n = nx * ny
    number = np.arange(n).reshape(ny, nx)
    a = sparse.lil_matrix((n, n))
    b = np.zeros(n) if source is None else (np.broadcast_to(source, (ny, nx)) * hx * hy).ravel().copy()
    for j in range(ny):
        for i in range(nx):
            c = number[j, i]
            for d, k, t in ((number[j, i + 1] if i + 1 < nx else -1, kx, hy / hx), (number[j + 1, i] if j + 1 < ny else -1, ky, hx / hy)):
                if d >= 0:
                    t *= 2 / (1 / k.ravel()[c] + 1 / k.ravel()[d])
                    a[c, c] += t
                    a[d, d] += t
                    a[c, d] -= t
                    a[d, c] -= t
    for name, (kind, values) in sides.items():
        cells = {"left": number[:, 0], "right": number[:, -1], "bottom": number[0], "top": number[-1]}[name]
        along_x = name in ("left", "right")
        length, k = (hy, kx) if along_x else (hx, ky)
        half = (hx if along_x else hy) / 2
        for c, value in zip(cells, np.broadcast_to(values, cells.shape)):
            if kind == "flux":
                b[c] -= value * length
            else:
                t = k.ravel()[c] * length / half
                a[c, c] += t
                b[c] += t * value
    for i, j, rate in rates:
        b[number[j, i]] += rate
    for i, j, pressure, radius in pressures:
        index = peaceman(kx[j, i], ky[j, i], hx, hy, radius)
        a[number[j, i], number[j, i]] += index
        b[number[j, i]] += index * pressure
    return sparse.linalg.spsolve(a.tocsc(), b).reshape(ny, nx)


def solve_volume(permeabilities, size, sides, source=0.0, wells=(), active=None):
    """permeabilities: kx, ky, kz [nz, ny, nx]; size: lx, ly, lz; sides: name -> (type, value); wells: dicts of i, j, layers (from 0, the last
    one included), rate or bhp, radius. Some pressure must be given. Returns p, NaN where inactive, and of each well its pressure and
    the rates of its active layers; every well is an unknown of its own."""
    shape = permeabilities[0].shape
    active = np.ones(shape, bool) if active is None else active
    n = np.prod(shape)
    number = np.arange(n).reshape(shape)
    h = [length / count for length, count in zip(size, shape[::-1])]
    area = [h[1] * h[2], h[0] * h[2], h[0] * h[1]]
    a = sparse.lil_matrix((n + len(wells), n + len(wells)))
    b = np.zeros(n + len(wells))
    b[:n] = (source * np.prod(h) * active).ravel()

    def join(c, d, t):
        a[c, c] += t
        a[d, d] += t
        a[c, d] -= t
        a[d, c] -= t

    half = [2 * k * area[d] / h[d] for d, k in enumerate(permeabilities)]  # of half a cell
    for d in range(3):
        axis = 2 - d
        low, high = ([slice(None)] * 3 for _ in range(2))
        low[axis], high[axis] = slice(0, -1), slice(1, None)
        both = active[tuple(low)] & active[tuple(high)]
        first, second = half[d][tuple(low)][both], half[d][tuple(high)][both]
        for c, e, t in zip(number[tuple(low)][both], number[tuple(high)][both], first * second / (first + second)):
            join(c, e, t)
    for name, (kind, value) in sides.items():
        d, end = {"left": (0, 0), "right": (0, -1), "front": (1, 0), "back": (1, -1), "top": (2, 0), "bottom": (2, -1)}[name]
        at = [slice(None)] * 3
        at[2 - d] = end
        at = tuple(at)
        for c, t in zip(number[at][active[at]], half[d][at][active[at]]):
            if kind == "flux":
                b[c] -= value * area[d]
            else:
                a[c, c] += t
                b[c] += t * value
    open_cells = []
    for w, well in enumerate(wells):
        kx, ky = permeabilities[0][:, well["j"], well["i"]], permeabilities[1][:, well["j"], well["i"]]
        layers = [k for k in range(well["layers"][0], well["layers"][1] + 1) if active[k, well["j"], well["i"]]]
        open_cells.append([(number[k, well["j"], well["i"]], peaceman(kx[k], ky[k], h[0], h[1], well["radius"]) * h[2]) for k in layers])
        for c, index in open_cells[-1]:
            join(c, n + w, index)
        if "bhp" in well:
            a[n + w, :] = 0
            a[n + w, n + w] = 1
        b[n + w] = well.get("rate", well.get("bhp"))
    for c in number[~active]:
        a[c, c] = 1
    x = sparse.linalg.spsolve(a.tocsc(), b)
    p = np.where(active, x[:n].reshape(shape), np.nan)
    return p, [(x[n + w], [index * (x[n + w] - x[c]) for c, index in cells]) for w, cells in enumerate(open_cells)]
