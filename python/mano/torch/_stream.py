"""Streams of solved samples for a torch DataLoader."""
from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

from .._errors import InputError
from .._stream import Stream as ArrayStream


class Stream(IterableDataset):
    """mano.Stream as a dataset: tensors (permeability, pressure), each [ny, nx], made as a DataLoader asks for them.

    DataLoader(stream, batch_size=32, num_workers=2): the workers, forked or spawned, make disjoint samples, and together those of one process. Where
    batch_size equals `block` (32), every batch is the same for any number of workers.

    dtype     torch.float32 (default) or torch.float64
    channel   True yields [1, ny, nx], as networks of torch and neuraloperator take them
    batch     with a number N the stream itself yields batches [N, ...], for DataLoader(stream, batch_size=None): cheaper than collating
    others    as mano.Stream: field, resolution (nx, ny), seed, samples, first, the field's and the set-up's arguments

    An endless stream (samples=None) never repeats. One of N samples yields the same N every epoch; set stream.first += N between epochs for new ones.
    """

    def __init__(self, field: str, *, resolution, seed: int = 0, samples: int | None = None, first: int = 0, dtype=torch.float32, channel: bool = False,
                 batch: int | None = None, block: int = 32, **arguments):
        super().__init__()
        names = {torch.float32: np.float32, torch.float64: np.float64}
        if dtype not in names:
            raise InputError(f"dtype is {dtype}, expected torch.float32 or torch.float64")
        if batch is not None and samples is not None and samples % batch != 0:
            raise InputError(f"{samples} samples do not divide into batches of {batch}")
        self.stream = ArrayStream(field, resolution=resolution, seed=seed, samples=samples, first=first, dtype=names[dtype], block=batch or block,
                                  **arguments)
        self.channel, self.whole = channel, batch is not None

    @property
    def first(self) -> int:
        """Number of the first sample."""
        return self.stream.first

    @first.setter
    def first(self, value: int) -> None:
        self.stream.first = int(value)

    def __len__(self) -> int:
        if self.stream.samples is None:
            raise TypeError("the stream is endless and has no length")
        return self.stream.samples // self.stream.block if self.whole else self.stream.samples

    def __iter__(self) -> Iterator[tuple[torch.Tensor, ...]]:
        worker = get_worker_info()
        for block in self.stream.blocks(*((worker.id, worker.num_workers) if worker else (0, 1))):
            parts = [torch.from_numpy(a) for a in (block.permeability, block.pressure, *((block.active,) if self.stream.active else ()))]
            if self.channel:
                parts = [part[:, None] for part in parts]
            if self.whole:
                yield tuple(parts)
            else:
                yield from zip(*parts)
