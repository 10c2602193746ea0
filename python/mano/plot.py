"""Figures that look like the program's reports; needs matplotlib."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ._errors import InputError, MissingPart

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCALES = ("sequential", "logarithmic", "diverging")


def _scale_of(title: str, scales) -> str:
    scale = scales if isinstance(scales, str) else (scales or {}).get(title, "sequential")
    if scale not in SCALES:
        raise InputError(f"scale of '{title}' is '{scale}', expected {', '.join(SCALES)}")
    return scale


def _norm(values: np.ndarray, scale: str, limits, title: str):
    from matplotlib.colors import LogNorm, Normalize

    finite = values[np.isfinite(values)]
    if finite.size == 0:
        raise InputError(f"'{title}' holds no finite value")
    low, high = limits if limits is not None else (finite.min(), finite.max())
    if scale == "diverging":
        most = max(abs(low), abs(high)) or 1.0
        return Normalize(-most, most)
    if scale == "logarithmic":
        if low <= 0:
            raise InputError(f"'{title}' is drawn logarithmically, but its least value is {low:g}")
        return LogNorm(low, high if high > low else low * 1.001)
    return Normalize(low, high if high > low else low + 1.0)


def maps(fields: Mapping[str, np.ndarray], *, scale: str | Mapping[str, str] | None = None, size=(1.0, 1.0), share: Sequence[str] = (),
         wells: Sequence = (), columns: int = 2) -> Figure:
    """Maps of fields, each with its title, axes in units of the domain and a colour bar with its ends; a matplotlib Figure.

    fields   by title, arrays [ny, nx] (or tensors on the CPU); cells that are not numbers stay blank
    scale    sequential (default), logarithmic, or diverging (centred on zero), for all or by title
    size     (lx, ly) of the domain
    share    titles of those that have one colour scale between them
    wells    Wells to mark, or points (x, y)

        mano.plot.maps({"permeability": k, "pressure": p, "error": e}, scale={"error": "diverging"})
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise MissingPart("mano.plot needs matplotlib: pip install matplotlib") from None
    if not isinstance(fields, Mapping) or not fields:
        raise InputError("maps takes arrays by their titles: maps({'pressure': p})")
    arrays = {title: np.asarray(getattr(values, "detach", lambda v=values: v)(), float) for title, values in fields.items()}
    for title, values in arrays.items():
        if values.ndim != 2:
            raise InputError(f"'{title}' has the shape {list(values.shape)}, expected [ny, nx]")
    shared = [arrays[title] for title in share if title in arrays]
    limits = (min(np.nanmin(a) for a in shared), max(np.nanmax(a) for a in shared)) if shared else None
    rows, columns = -(-len(arrays) // min(columns, len(arrays))), min(columns, len(arrays))
    lx, ly = size
    figure, axes = plt.subplots(rows, columns, figsize=(4.3 * columns, rows * min(max(3.4 * ly / lx, 1.6), 7.0) + 0.35 * rows), squeeze=False,
                                layout="constrained")
    for axis in axes.flat[len(arrays):]:
        axis.set_visible(False)
    for axis, (title, values) in zip(axes.flat, arrays.items()):
        kind = _scale_of(title, scale)
        norm = _norm(values, kind, limits if title in share else None, title)
        image = axis.imshow(values, origin="lower", extent=(0, lx, 0, ly), interpolation="nearest", norm=norm,
                            cmap="RdBu_r" if kind == "diverging" else "viridis")
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("x")
        axis.set_ylabel("y", rotation=0)
        axis.set_xticks([0, lx])
        axis.set_yticks([0, ly])
        for well in wells:
            x, y = (well.x, well.y) if hasattr(well, "x") else well
            axis.plot(x, y, "o", markersize=5, markerfacecolor="none", markeredgecolor="black" if kind == "diverging" else "white")
        bar = figure.colorbar(image, ax=axis, fraction=0.046, pad=0.03)
        middle = np.sqrt(norm.vmin * norm.vmax) if kind == "logarithmic" else 0.5 * (norm.vmin + norm.vmax)
        bar.set_ticks([norm.vmin, middle, norm.vmax], labels=[f"{v:.3g}" for v in (norm.vmin, middle, norm.vmax)])
        bar.ax.minorticks_off()
    return figure
