"""An independent simulator: explicit IMPES in NumPy and SciPy, written from the equations alone.

-div(lambda(S) k grad p) = q, phi dS/dt + div(f(S) u) = q_w on the unit square or a rectangle; two-point fluxes with the harmonic mean of
lambda k, first-order upwind, forward Euler with a new pressure, by a direct factorisation, in every step.
"""
import numpy as np
import scipy.sparse as sparse
import scipy.sparse.linalg as linalg


def relative_permeabilities(s, fluids):
    (n_i, n_d), (e_i, e_d), (r_i, r_d) = fluids["exponents"], fluids["end_points"], fluids["residuals"]
    m = np.clip((s - r_i) / (1 - r_i - r_d), 0, 1)
    return e_i * m**n_i, e_d * (1 - m) ** n_d / fluids["viscosity_ratio"]


def transmissibilities(kx, ky, hx, hy):
    across_x = 2 * kx[:, :-1] * kx[:, 1:] / (kx[:, :-1] + kx[:, 1:]) * hy / hx
    across_y = 2 * ky[:-1] * ky[1:] / (ky[:-1] + ky[1:]) * hx / hy
    return across_x, across_y


def pressure(tx, ty, rates, held):
    """`held` is (conductance, value) by cell, or None where the pressure is free."""
    ny, nx = rates.shape
    cells = np.arange(ny * nx).reshape(ny, nx)
    rows, columns, values = [], [], []
    for t, a, b in ((tx, cells[:, :-1], cells[:, 1:]), (ty, cells[:-1], cells[1:])):
        for i, j, sign in ((a, a, 1), (b, b, 1), (a, b, -1), (b, a, -1)):
            rows.append(i.ravel()), columns.append(j.ravel()), values.append(sign * t.ravel())
    rhs = rates.ravel().copy()
    if held is not None:
        conductance, value = held
        rows.append(cells.ravel()), columns.append(cells.ravel()), values.append(conductance.ravel())
        rhs += (conductance * value).ravel()
    matrix = sparse.csc_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))))
    if held is not None:
        return linalg.spsolve(matrix, rhs).reshape(ny, nx)
    p = np.append(0.0, linalg.spsolve(matrix[1:, 1:], rhs[1:])).reshape(ny, nx)  # the first cell holds 0
    return p - p.mean()


class Simulation:
    def __init__(self, k, fluids, rates=None, held=None, size=(1.0, 1.0), porosity=1.0, anisotropy=1.0):
        """`rates` into cells; `held` a function of lambda: (conductance, value) by cell."""
        self.k, self.fluids, self.anisotropy = k, fluids, anisotropy
        self.ny, self.nx = k.shape
        self.hx, self.hy = size[0] / self.nx, size[1] / self.ny
        self.rates = np.zeros_like(k) if rates is None else rates
        self.held = held
        self.pore = porosity * np.ones_like(k) * self.hx * self.hy
        self.s = np.full_like(k, fluids["residuals"][0])
        self.injected = 0.0
        self.time = 0.0
        self.produced = 0.0  # displaced fluid

    def flow(self):
        k_i, k_d = relative_permeabilities(self.s, self.fluids)
        mobility = k_i + k_d
        tx, ty = transmissibilities(mobility * self.k, self.anisotropy * mobility * self.k, self.hx, self.hy)
        held = self.held(mobility) if self.held else None
        p = pressure(tx, ty, self.rates, held)
        outside = self.rates + (held[0] * (held[1] - p) if held else 0.0)  # into cells
        return p, tx * (p[:, :-1] - p[:, 1:]), ty * (p[:-1] - p[1:]), outside, k_i / mobility

    def cut(self):
        _, _, _, outside, f = self.flow()
        out = np.maximum(-outside, 0)
        return (out * f).sum() / out.sum()

    def steepest(self):
        r_i, r_d = self.fluids["residuals"]
        s = np.linspace(r_i, 1 - r_d, 20001)
        k_i, k_d = relative_permeabilities(s, self.fluids)
        return np.gradient(k_i / (k_i + k_d), s).max()

    def run(self, until, longest=1e9, courant=0.9):
        """To `until` pore volumes injected."""
        volume = self.pore.sum()
        steepest = self.steepest()
        while self.injected < until * (1 - 1e-12):
            _, fx, fy, outside, f = self.flow()
            through = np.maximum(outside, 0)  # all inflow of a cell
            through[:, 1:] += np.maximum(fx, 0)
            through[:, :-1] += np.maximum(-fx, 0)
            through[1:] += np.maximum(fy, 0)
            through[:-1] += np.maximum(-fy, 0)
            inflow = np.maximum(outside, 0).sum()
            dt = min(courant / (through / self.pore).max() / steepest, longest * volume / inflow, (until - self.injected) * volume / inflow)
            wx = np.where(fx > 0, fx * f[:, :-1], fx * f[:, 1:])
            wy = np.where(fy > 0, fy * f[:-1], fy * f[1:])
            net = np.maximum(outside, 0) - np.maximum(-outside, 0) * f
            net[:, :-1] -= wx
            net[:, 1:] += wx
            net[:-1] -= wy
            net[1:] += wy
            self.s = self.s + dt * net / self.pore
            self.produced += dt * (np.maximum(-outside, 0) * (1 - f)).sum()
            self.injected += dt * inflow / volume
            self.time += dt
        return self.s
