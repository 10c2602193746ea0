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
