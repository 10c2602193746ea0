"""The networks that bench/gpu_rivals.py times, in PyTorch: MANO in the three forms that its help describes, an FNO and a ViT."""
import functools
import math

import torch
import torch.nn.functional as F
from torch import nn

MANO = {"small-published": {"dim": 32, "depth": 4, "heads": 4, "dim_head": 8, "mlp": 64},
        "paper": {"dim": 128, "depth": 8, "heads": 4, "dim_head": 32, "mlp": 128}}
NAMES = {"outer": "0.Attention.norm", "inner": "0.Attention.Attention.norm", "qkv": "0.Attention.Attention.to_qkv", "down": "0.down.1",
         "out": "0.Attention.Attention.to_out.0", "up": "0.up.1", "mlp_norm": "1.net.0", "mlp_in": "1.net.1", "mlp_out": "1.net.4",
         "p": "linear_p", "norm": "transformer.norm", "q": "linear_q", "output": "output_layer"}  # in a checkpoint


class ManoBlock(nn.Module):
    """Tokens are [B, H, W, C]; H and W powers of two."""

    def __init__(self, form, dim, heads, dim_head, mlp):
        super().__init__()
        self.form, self.heads, self.dim_head = form.replace("-", "_"), heads, dim_head
        self.outer, self.inner, self.mlp_norm = nn.LayerNorm(dim), nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.out = nn.Linear(dim, 3 * heads * dim_head, bias=False), nn.Linear(heads * dim_head, dim)
        self.down, self.up = nn.Conv2d(dim, dim, 2, 2, bias=False), nn.ConvTranspose2d(dim, dim, 2, 2, bias=False)
        self.mlp_in, self.mlp_out = nn.Linear(dim, mlp), nn.Linear(mlp, dim)

    def projected(self, x):
        return self.qkv(self.inner(self.outer(x))).unflatten(-1, (3, self.heads, self.dim_head))

    def within_windows(self, tokens):
        """[N, 4, C] -> [N, 4, C]"""
        q, k, v = self.projected(tokens).permute(2, 0, 3, 1, 4)
        out = (q @ k.transpose(-1, -2) / math.sqrt(self.dim_head)).softmax(-1) @ v
        return self.out(out.transpose(1, 2).flatten(2))

    def windowed(self, x):
        b, h, w, c = x.shape
        tokens = F.unfold(x.permute(0, 3, 1, 2), 2).view(b, c, 4, -1).permute(0, 3, 2, 1).reshape(-1, 4, c)
        out = self.within_windows(tokens).view(b, -1, 4, c).permute(0, 3, 2, 1).reshape(b, 4 * c, -1)
        copies = F.fold(torch.ones_like(out[:1, :4]), (h, w), 2)
        return (F.fold(out, (h, w), 2) / copies).permute(0, 2, 3, 1)

    def slices(self, x):
        b, h, w, c = x.shape
        corners = [(i, j) for i in (0, 1) for j in (0, 1)]
        tokens = torch.stack([x[:, i:h - 1 + i, j:w - 1 + j] for i, j in corners], 3).view(-1, 4, c)
        out = self.within_windows(tokens).view(b, h - 1, w - 1, 4, c).unbind(3)
        total, copies = (sum(F.pad(t, (0, 0, j, 1 - j, i, 1 - i)) for t, (i, j) in zip(parts, corners))
                         for parts in (out, [torch.ones_like(out[0][:1, ..., :1])] * 4))
        return total / copies

    def per_token(self, x):
        """o_t = sum over nine neighbours of c_tj v_j; c: the mean of the softmaxes of the windows that hold t and j (docs/mano.md)."""
        h, w = x.shape[1:3]
        q, k, v = self.projected(x).unbind(-3)
        q = q / math.sqrt(self.dim_head)
        neighbours = [(i, j) for i in range(3) for j in range(3)]
        k, v = (F.pad(t, (0, 0, 0, 0, 1, 1, 1, 1)) for t in (k, v))
        keys, values = ({(i, j): t[:, i:i + h, j:j + w] for i, j in neighbours} for t in (k, v))
        scores = {n: (q * keys[n]).sum(-1) for n in neighbours}
        row, column = torch.arange(h, device=x.device)[:, None, None], torch.arange(w, device=x.device)[:, None]
        rows, columns = (row > 0, row < h - 1), (column > 0, column < w - 1)  # is there a window on that side?
        count = (rows[0].to(x.dtype) + rows[1].to(x.dtype)) * (columns[0].to(x.dtype) + columns[1].to(x.dtype))
        coefficients = dict.fromkeys(neighbours, 0)
        for i, j in [(i, j) for i in (0, 1) for j in (0, 1)]:
            window = [(i, j), (i, j + 1), (i + 1, j), (i + 1, j + 1)]
            most = functools.reduce(torch.maximum, [scores[n].detach() for n in window])  # cancels out: no gradient
            powers = [(scores[n] - most).exp() for n in window]
            share = (rows[i] & columns[j]) / (count * sum(powers))
            for n, power in zip(window, powers):
                coefficients[n] = coefficients[n] + power * share
        return self.out(sum(coefficients[n][..., None] * values[n] for n in neighbours).flatten(-2))

    def sample_down(self, x):
        if self.form != "per_token":
            return self.down(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        rows = x.unflatten(2, (-1, 2)).unflatten(1, (-1, 2)).transpose(2, 3).flatten(3)  # a product, as the C++ program does
        return F.linear(rows, self.down.weight.permute(0, 2, 3, 1).flatten(1))

    def sample_up(self, x):
        if self.form != "per_token":
            return self.up(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        blocks = F.linear(x, self.up.weight.permute(2, 3, 1, 0).flatten(0, 2)).unflatten(-1, (2, 2, -1))
        return blocks.transpose(2, 3).flatten(3, 4).flatten(1, 2)

    def forward(self, x):
        attention = getattr(self, self.form)
        level, levels = x, [attention(x)]
        for _ in range(int(math.log2(min(x.shape[1:3]))) - 1):
            level = self.sample_down(level)
            levels.append(attention(level))
        r = levels.pop()
        for i, finer in enumerate(reversed(levels)):
            r = finer + self.sample_up(r) / (i + 1)
        x = x + r
        return x + self.mlp_out(F.gelu(self.mlp_in(self.mlp_norm(x))))


class Mano(nn.Module):
    def __init__(self, form, dim, depth, **block):
        super().__init__()
        self.blocks = nn.ModuleList(ManoBlock(form, dim, **block) for _ in range(depth))
        self.p, self.norm, self.q, self.output = nn.Linear(3, dim), nn.LayerNorm(dim), nn.Linear(dim, dim), nn.Linear(dim, 1)

    def forward(self, x):
        x = self.p(x.permute(0, 2, 3, 1)).contiguous()
        for block in self.blocks:
            x = block(x)
        return self.output(torch.tanh(self.q(self.norm(x)))).permute(0, 3, 1, 2)


def pointwise(linear, x):
    out = linear.weight @ x.flatten(2)
    return (out if linear.bias is None else out + linear.bias[:, None]).unflatten(-1, x.shape[2:])


class FnoBlock(nn.Module):
    def __init__(self, c, modes, last):
        super().__init__()
        self.modes, self.last = modes, last
        self.spectral = nn.Parameter(torch.randn(c, c, modes, modes // 2 + 1, 2) * math.sqrt(0.5 / c))
        self.bias, self.gate = nn.Parameter(torch.randn(c, 1, 1) / math.sqrt(c)), nn.Parameter(torch.ones(c, 1, 1))
        self.skip, self.mlp_in, self.mlp_out = nn.Linear(c, c, bias=False), nn.Linear(c, c // 2), nn.Linear(c // 2, c)

    def forward(self, x):  # [B, C, H, W]
        h, w = x.shape[2:]
        kept_y, kept_x = min(self.modes, h), min(self.modes // 2 + 1, w // 2 + 1)
        skipped, first = (self.modes - kept_y) // 2, h // 2 - kept_y // 2
        weight = torch.view_as_complex(self.spectral)[:, :, skipped:skipped + kept_y, :kept_x]
        low = torch.fft.fftshift(torch.fft.rfft2(x, norm="forward"), -2)[:, :, first:first + kept_y, :kept_x]
        mixed = F.pad(torch.einsum("bixy,ioxy->boxy", low, weight), (0, w // 2 + 1 - kept_x, first, h - kept_y - first))
        y = torch.fft.irfft2(torch.fft.ifftshift(mixed, -2), (h, w), norm="forward") + self.bias
        y = y + pointwise(self.skip, x)
        y = y if self.last else F.gelu(y)
        y = pointwise(self.mlp_out, F.gelu(pointwise(self.mlp_in, y))) + self.gate * x
        return y if self.last else F.gelu(y)


class Fno(nn.Module):
    def __init__(self, c=12, depth=4, modes=10):
        super().__init__()
        self.blocks = nn.ModuleList(FnoBlock(c, modes, i + 1 == depth) for i in range(depth))
        self.lift, self.lift_out = nn.Linear(3, 2 * c), nn.Linear(2 * c, c)
        self.project, self.output = nn.Linear(c, 2 * c), nn.Linear(2 * c, 1)

    def forward(self, x):
        x = pointwise(self.lift_out, F.gelu(pointwise(self.lift, x)))
        for block in self.blocks:
            x = block(x)
        return pointwise(self.output, F.gelu(pointwise(self.project, x)))


class VitBlock(nn.Module):
    def __init__(self, c, heads, mlp):
        super().__init__()
        self.heads, self.norm1, self.norm2 = heads, nn.LayerNorm(c), nn.LayerNorm(c)
        self.qkv, self.out, self.mlp_in, self.mlp_out = nn.Linear(c, 3 * c), nn.Linear(c, c), nn.Linear(c, mlp), nn.Linear(mlp, c)

    def forward(self, x):  # [B, N, C]
        q, k, v = self.qkv(self.norm1(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        x = x + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return x + self.mlp_out(F.gelu(self.mlp_in(self.norm2(x))))


class Vit(nn.Module):
    def __init__(self, c=48, depth=3, heads=3, mlp=136):
        super().__init__()
        self.blocks, self.c = nn.ModuleList(VitBlock(c, heads, mlp) for _ in range(depth)), c
        self.embed, self.norm, self.head = nn.Conv2d(3, c, 2, 2), nn.LayerNorm(c), nn.Linear(c, 4)

    @functools.cached_property
    def positions(self):  # a network sees grids of one size here
        frequency = math.pi * 16.0 ** (torch.arange(self.c // 4) / (self.c // 4 - 1))
        angle = torch.outer((torch.arange(self.side) + 0.5) / self.side, frequency)
        waves = torch.cat([angle.sin(), angle.cos()], 1)
        both = [waves.expand(self.side, -1, -1), waves[:, None].expand(-1, self.side, -1)]
        return torch.cat(both, 2).flatten(0, 1).to(self.norm.weight.device)

    def forward(self, x):
        self.side = x.shape[2] // 2
        x = (self.embed(x).flatten(2).transpose(1, 2) + self.positions).contiguous()
        for block in self.blocks:
            x = block(x)
        x = self.head(self.norm(x)).unflatten(-1, (2, 2)).unflatten(1, (self.side, -1))
        return x.transpose(2, 3).flatten(3).flatten(1, 2)[:, None]


def network_of(form, preset, device):
    name = form.removesuffix("-compiled")
    torch.manual_seed(0)  # the same parameters in every form
    network = {"fno": Fno, "vit": Vit}.get(name, lambda: Mano(name, **MANO[preset]))().to(device)
    if name != form:
        for block in network.blocks:  # all of one kind share what was compiled
            block.compile(dynamic=False, fullgraph=True)
    return network
