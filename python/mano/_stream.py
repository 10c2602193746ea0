"""Freshly drawn, solved and verified samples, made as they are asked for."""
from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from . import _core
from ._errors import InputError
from ._setup import flat, make_field, make_setup, precision, resolution_text, split_arguments, thread_count


class Batch(NamedTuple):
    """Samples first, ..., first + N - 1: permeability and pressure [N, ny, nx] or [N, nz, ny, nx], active the same or None, residual and iterations [N]."""

    permeability: np.ndarray
    pressure: np.ndarray
    active: np.ndarray | None
    residual: np.ndarray
    iterations: np.ndarray
    first: int


class Stream:
    """Samples of a random field, solved and verified as they are asked for; nothing is stored.

    Iteration yields pairs (permeability, pressure), each [ny, nx] or [nz, ny, nx], endlessly or `samples` of them, from number `first` on. Sample i of a seed is
    always the same, in whichever process and order it is made, and the one that generate() stores. stream[i] is its number `first` + i;
    stream.batch(first, n) makes many at once.

    field, seed, resolution   as in draw()
    samples     how many; endless where it is None
    dtype       float32 or float64, of both arrays
    block       how many samples are made at a time
    threads     that make them, 1 by default: in a DataLoader the workers are many already
    active      True yields triples with the active cells, which only fields with `inactive` need; by default where there may be some
    arguments   of draw() for the field, of solve() for what drives the flow

    Raises InputError at once for what fits no sample. mano.torch.Stream is the same for a DataLoader.
    """

    def __init__(self, field: str, *, resolution, seed: int = 0, samples: int | None = None, first: int = 0, dtype=np.float64, block: int = 32,
                 threads: int | None = 1, tolerance: float = 1e-10, active: bool | None = None, **arguments):
        of_field, of_setup = split_arguments("Stream", arguments)
        self._arguments = (field, int(seed), resolution_text(resolution), of_field, of_setup, float(tolerance))
        if (samples is not None and samples < 1) or first < 0 or block < 1:
            raise InputError(f"samples is {samples}, first is {first} and block is {block}; they must be at least 1, 0 and 1")
        self.samples, self.first, self.block, self.threads = samples, int(first), int(block), thread_count(threads)
        self.dtype = precision(dtype)
        self.active = of_field.get("inactive") is not None if active is None else bool(active)
        self._open()

    def _open(self) -> None:
        field, seed, resolution, of_field, of_setup, tolerance = self._arguments
        self._stream = _core.Stream(make_field(field, seed, **of_field), make_setup(**of_setup), resolution, tolerance)

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name != "_stream"}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._open()

    def batch(self, first: int, n: int) -> Batch:
        """Samples number first, ..., first + n - 1 of the seed, by `threads` threads, the GIL released."""
        if first < 0 or n < 1:
            raise InputError(f"first is {first} and n is {n}; they must be at least 0 and 1")
        *fields, residual, iterations = self._stream.make(first, n, self.threads, self.dtype == np.float32)
        k, p, active = (flat(field, self._arguments[2].split("x")) for field in fields)
        if self.active:
            active = np.ones(k.shape, bool) if active is None else active.view(bool)
        return Batch(k, p, active, residual, iterations, first)

    def blocks(self, worker: int = 0, workers: int = 1) -> Iterator[Batch]:
        """Blocks number worker, worker + workers, ...: what several workers make so is disjoint, and together the stream."""
        at = worker * self.block
        while self.samples is None or at < self.samples:
            n = self.block if self.samples is None else min(self.block, self.samples - at)
            yield self.batch(self.first + at, n)
            at += workers * self.block

    def _item(self, batch: Batch, i: int):
        pair = (batch.permeability[i], batch.pressure[i])
        return (*pair, batch.active[i]) if self.active else pair

    def __iter__(self) -> Iterator[tuple[np.ndarray, ...]]:
        for batch in self.blocks():
            for i in range(len(batch.permeability)):
                yield self._item(batch, i)

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        if index < 0 or (self.samples is not None and index >= self.samples):
            raise IndexError(f"sample {index} of a stream of {self.samples}")
        return self._item(self.batch(self.first + index, 1), 0)
