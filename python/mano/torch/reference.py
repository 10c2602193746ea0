"""A mano checkpoint in PyTorch, by the formulas of the paper: proof that a trained model is not locked in, and a way to go on with it.

    python3 python/mano/torch/reference.py run/model.safetensors permeability.npy pressure.npy

predicts [N, H, W] pressures from [N, H, W] permeabilities as `mano predict --direct` does: the base network on the grid as it is, in the
windowed formulation of arXiv 2507.02748. multigrid.py adds the hierarchy of grids and its refinement, and predicts as `mano predict` does.
Needs torch and numpy, nothing else of mano.
"""
import json
import math
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

TYPES = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8"), "I64": np.dtype("<i8")}


def read_checkpoint(path):
    """Tensors by name, and the metadata: what safetensors.torch.load_file and safe_open give."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = np.frombuffer(data[begin:end], TYPES[entry["dtype"]]).reshape(entry["shape"])
        tensors[name] = torch.from_numpy(values.copy())
    return tensors, metadata


def write_checkpoint(path, tensors, metadata):
    """The way back: what `mano predict --model PATH` reads, and safetensors.torch.save_file writes. float32 alone.

    Other weights have other errors: the intervals of the old ones are left out ('mano calibrate' measures new ones).
    """
    header, parts, at = {"__metadata__": {k: v for k, v in metadata.items() if k != "calibration"}}, [], 0
    for name, tensor in tensors.items():
        raw = tensor.detach().contiguous().numpy().astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + len(raw)]}
        parts.append(raw)
        at += len(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


class Mano(nn.Module):
    """The base network: [B, 3, H, W] -> [B, 1, H, W]. Parameters have the names of the checkpoint; tensors that are Parameters already are kept."""

    def __init__(self, tensors, architecture):
        super().__init__()
        if architecture["model"] != "mano":
            raise ValueError(f"the checkpoint holds a {architecture['model']}; this reads mano alone")
        if architecture.get("channels_in") == 4:
            raise ValueError("the checkpoint was trained with inactive cells, which this does not read")
        self.a = architecture
        for name, tensor in tensors.items():
            *path, leaf = name.split(".")
            folder = self
            for part in path:
                if part not in folder._modules:
                    folder.add_module(part, nn.Module())
                folder = folder._modules[part]
            folder.register_parameter(leaf, tensor if isinstance(tensor, nn.Parameter) else nn.Parameter(tensor))

    def norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self.tensors[name + ".weight"], self.tensors[name + ".bias"])

    def linear(self, x, name):
        return F.linear(x, self.tensors[name + ".weight"], self.tensors.get(name + ".bias"))

    def windows(self, x, block):
        """Every K x K window attends within itself; copies of a token are averaged. [B, C, H, W]"""
        k, s, heads, width = self.a["window"], self.a["stride"], self.a["heads"], self.a["dim_head"]
        batch, channels, height, length = x.shape
        columns = F.unfold(x, k, stride=s)  # [B, C k k, windows]
        tokens = columns.view(batch, channels, k * k, -1).permute(0, 3, 2, 1)
        attention = block + ".Attention"
        qkv = self.linear(self.norm(self.norm(tokens, attention + ".norm"), attention + ".Attention.norm"),
                          attention + ".Attention.to_qkv")
        q, key, v = (t.unflatten(-1, (heads, width)).transpose(-2, -3) for t in qkv.chunk(3, -1))
        weights = (q @ key.transpose(-1, -2) / math.sqrt(width)).softmax(-1)
        out = (weights @ v).transpose(-2, -3).flatten(-2)
        if attention + ".Attention.to_out.0.weight" in self.tensors:
            out = self.linear(out, attention + ".Attention.to_out.0")
        out = out.permute(0, 3, 2, 1).reshape(batch, channels * k * k, -1)
        copies = F.fold(torch.ones_like(out[:1]), (height, length), k, stride=s).clamp(min=1)
        return F.fold(out, (height, length), k, stride=s) / copies + self.local(x, attention)

    def local(self, x, attention):
        """What the convolution of the values adds, token by token; 0 in MANO as published. [B, C, H, W]"""
        if not self.a.get("convolutions"):
            return 0.0
        token = x.permute(0, 2, 3, 1)
        v = self.linear(self.norm(self.norm(token, attention + ".norm"), attention + ".Attention.norm"), attention + ".Attention.to_qkv").chunk(3, -1)[2]
        out = self.depthwise(v, attention + ".Attention.value_convolution")
        if attention + ".Attention.to_out.0.weight" in self.tensors:
            out = F.linear(out, self.tensors[attention + ".Attention.to_out.0.weight"])
        return out.permute(0, 3, 1, 2)

    def depthwise(self, x, name):
        weight = self.tensors[name + ".weight"]
        return F.conv2d(x.permute(0, 3, 1, 2), weight, self.tensors[name + ".bias"], padding=1, groups=len(weight)).permute(0, 2, 3, 1)

    def levels(self, size):
        """floor(log_rate(size)), at most as many as leave the coarsest a window wide."""
        if "levels" in self.a:
            return self.a["levels"]
        rate, count, rest, coarsest = self.a["rate"], 0, size, size
        while rest >= rate and coarsest >= self.a["window"]:
            count, rest, coarsest = count + 1, rest // rate, -(-coarsest // rate)
        return max(count, 1)

    def multipole(self, x, block):
        """The same attention on every level; the coarse results come back up, the i-th step over i."""
        rate, learned = self.a["rate"], self.a["sampling"] == "conv"
        results = []
        for level in range(self.levels(min(x.shape[2:]))):
            if level > 0:  # the last row and column are repeated until the rate divides both sizes
                x = F.pad(x, (0, -x.shape[3] % rate, 0, -x.shape[2] % rate), mode="replicate")
                x = F.conv2d(x, self.tensors[block + ".down.1.weight"], stride=rate) if learned else F.avg_pool2d(x, rate)
            results.append(self.windows(x, block))
        r = results.pop()
        for i, finer in enumerate(reversed(results)):
            up = (F.conv_transpose2d(r, self.tensors[block + ".up.1.weight"], stride=rate) if learned
                  else F.interpolate(r, scale_factor=rate, mode="nearest"))
            r = finer + up[:, :, : finer.shape[2], : finer.shape[3]] / (i + 1)
        return r

    def points(self, tokens, inputs):
        """The head point by point: O gelu(U_i t + V x) + o, with the network's inputs x at the point."""
        p, (height, width) = self.a.get("patch", 1), inputs.shape[2:]
        features = self.linear(tokens, "point_head.token").unflatten(-1, (p, p, self.a["point_width"]))
        features = features.transpose(2, 3).flatten(3, 4).flatten(1, 2)
        own = F.linear(inputs.permute(0, 2, 3, 1), self.tensors["point_head.input.weight"])
        return self.linear(F.gelu(features[:, :height, :width] + own), "point_head.output").permute(0, 3, 1, 2)

    def forward(self, x):
        self.tensors = dict(self.named_parameters())  # as they are now, torch.func.functional_call included
        inputs, p, (height, width) = x, self.a.get("patch", 1), x.shape[2:]
        x = F.pad(x, (0, -width % p, 0, -height % p), mode="replicate")
        x = self.linear(F.pixel_unshuffle(x, p).permute(0, 2, 3, 1), "linear_p")
        for depth in range(self.a["depth"]):
            layer = f"transformer.layers.{depth}"
            x = x + self.multipole(x.permute(0, 3, 1, 2), layer + ".0").permute(0, 2, 3, 1)
            hidden = self.linear(self.norm(x, layer + ".1.net.0"), layer + ".1.net.1")
            if self.a.get("convolutions"):
                hidden = hidden + self.depthwise(hidden, layer + ".1.convolution")
            x = x + self.linear(F.gelu(hidden), layer + ".1.net.4")
        x = self.norm(x, "transformer.norm")
        if self.a.get("point_width"):
            return self.points(x, inputs)
        x = torch.tanh(self.linear(x, "linear_q"))
        return F.pixel_shuffle(self.linear(x, "output_layer").permute(0, 3, 1, 2), p)[:, :, :height, :width]


class Direct(nn.Module):
    """The network alone, as published: permeability [N, H, W] -> pressure [N, H, W], float64, where the model's data had them (cells or nodes)."""

    def __init__(self, path):
        super().__init__()
        tensors, metadata = read_checkpoint(path)
        self.metadata = metadata
        self.n, self.location = json.loads(metadata["normalization"]), json.loads(metadata["training"])["location"]
        self.network = Mano({name: t for name, t in tensors.items() if not name.startswith("refinement.")}, json.loads(metadata["architecture"]))

    def forward(self, k):
        shift = 0.5 if self.location == "cell" else 0.0
        height, width = k.shape[1:]
        y, x = torch.meshgrid((torch.arange(height, device=k.device) + shift) / height, (torch.arange(width, device=k.device) + shift) / width,
                              indexing="ij")
        inputs = torch.stack([(k.log() - self.n["mean_log_k"]) / self.n["std_log_k"], x.expand_as(k), y.expand_as(k)], 1)
        output = self.network(inputs.to(next(self.network.parameters()).dtype))[:, 0]
        return output.double() * self.n["std_pressure"] + self.n["mean_pressure"]


def predict(path, permeability):
    """Pressures [N, H, W] for permeabilities [N, H, W], NumPy."""
    with torch.no_grad():
        return Direct(path)(torch.as_tensor(np.asarray(permeability, np.float32))).numpy()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    np.save(sys.argv[3], predict(sys.argv[1], np.load(sys.argv[2])))
