"""A plain PyTorch StyleGAN3-T (Karras et al. 2021), as the peer of the training benchmark.

Written from the paper with standard PyTorch operations: one grouped convolution for per-sample weights,
filtered_lrelu as zero insertion, separable convolutions and leaky ReLU, and autograd for R1. The
discriminator is that of StyleGAN2. Sizes and the number of parameters are those of GIST. As published, it
uses neither path length regularization nor style mixing.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from stylegan2_pytorch import Linear, Mapping, main

LAYERS, CRITICAL, FIRST_CUTOFF, FIRST_STOPBAND, LAST_STOPBAND, MARGIN, TAPS = 14, 2, 2, 2**2.1, 2**0.3, 10, 6


def lowpass(taps, cutoff, width, rate):
    """Windowed sinc with a Kaiser window (Kaiser 1974)."""
    if taps == 1:
        return None
    attenuation = 2.285 * (taps - 1) * math.pi * width / (rate / 2) + 7.95
    beta = 0.1102 * (attenuation - 8.7) if attenuation > 50 else 0.5842 * max(attenuation - 21, 0) ** 0.4 + 0.07886 * max(attenuation - 21, 0)
    n = np.arange(taps) - (taps - 1) / 2
    h = np.sinc(2 * cutoff / rate * n) * np.kaiser(taps, beta)
    return torch.tensor(h / h.sum(), dtype=torch.float32)


def separable(x, taps):
    c = x.shape[1]
    x = F.conv2d(x, taps[None, None, :, None].repeat(c, 1, 1, 1), groups=c)
    return F.conv2d(x, taps[None, None, None, :].repeat(c, 1, 1, 1), groups=c)


class Input(nn.Module):
    def __init__(self, w, channels, size, rate, cutoff):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, channels))
        self.affine = Linear(w, 4)
        frequencies = torch.randn(channels, 2)
        radii = frequencies.square().sum(1, keepdim=True).sqrt()
        self.frequencies = frequencies / (radii * radii.square().exp().pow(0.25)) * cutoff
        self.phases = torch.rand(channels) - 0.5
        self.size, self.rate, self.cutoff = size, rate, cutoff
        with torch.no_grad():
            self.affine.weight.zero_()
            self.affine.bias.copy_(torch.tensor([1.0, 0, 0, 0]))

    def forward(self, w):
        t = self.affine(w)
        t = t / t[:, :2].norm(dim=1, keepdim=True)
        cos, sin, x, y = t.unbind(1)
        rotation = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
        shift = torch.stack([-x * cos + y * sin, -x * sin - y * cos], 1)
        phases = self.phases + (self.frequencies @ shift[:, :, None]).squeeze(2)
        frequencies = self.frequencies @ rotation
        amplitudes = (1 - (frequencies.norm(dim=2) - self.cutoff) / (self.rate / 2 - self.cutoff)).clamp(0, 1)
        axis = (torch.arange(self.size) + 0.5) / self.size - 0.5
        axis = axis * self.size / self.rate
        grid = torch.stack([axis[None, :].expand(self.size, -1), axis[:, None].expand(-1, self.size)], 2)
        x = (grid[None, :, :, None] @ frequencies.transpose(1, 2)[:, None, None]).squeeze(3) + phases[:, None, None]
        x = torch.sin(x * 2 * math.pi) * amplitudes[:, None, None]
        return (x @ (self.weight / math.sqrt(self.weight.shape[0])).t()).permute(0, 3, 1, 2)


class Layer(nn.Module):
    def __init__(self, w, last, source, target, channels):
        super().__init__()
        (c, size, rate, cutoff, half), (out_c, out_size, out_rate, out_cutoff, out_half) = source, target
        self.k = 1 if last else 3
        self.affine = Linear(w, c, bias=1)
        self.weight = nn.Parameter(torch.randn(channels, c, self.k, self.k))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.magnitude = torch.ones([])
        between = max(rate, out_rate) * (1 if last else 2)
        self.up, self.down, self.last = round(between / rate), round(between / out_rate), last
        self.up_taps = lowpass(TAPS * self.up if self.up > 1 and not last else 1, cutoff, half * 2, between)
        self.down_taps = lowpass(TAPS * self.down if self.down > 1 and not last else 1, out_cutoff, out_half * 2, between)
        count = lambda f: 1 if f is None else len(f)
        total = (out_size - 1) * self.down + 1 - (size + self.k - 1) * self.up + count(self.up_taps) + count(self.down_taps) - 2
        self.low = (total + self.up) // 2
        self.high = total - self.low
        self.scale = 1 / math.sqrt(c)

    def forward(self, x, w):
        n, c = x.shape[:2]
        if self.training:
            with torch.no_grad():
                self.magnitude = self.magnitude.lerp(x.square().mean(), 0.001)
        styles, weight = self.affine(w), self.weight
        if self.last:
            styles = styles * self.scale
        else:
            weight = weight * weight.square().mean([1, 2, 3], keepdim=True).rsqrt()
            styles = styles * styles.square().mean().rsqrt()
        weight = weight[None] * styles[:, None, :, None, None]
        if not self.last:
            weight = weight * (weight.square().sum([2, 3, 4], keepdim=True) + 1e-8).rsqrt()
        weight = weight * self.magnitude.rsqrt()
        x = F.conv2d(x.reshape(1, n * c, *x.shape[2:]), weight.reshape(-1, c, self.k, self.k), padding=self.k - 1, groups=n)
        x = x.reshape(n, -1, *x.shape[2:]) + self.bias[None, :, None, None]
        return self.filtered(x)

    def filtered(self, x):
        n, c, h, w = x.shape
        if self.up > 1:
            x = F.pad(x.reshape(n, c, h, 1, w, 1), [0, self.up - 1, 0, 0, 0, self.up - 1]).reshape(n, c, h * self.up, w * self.up)
        x = F.pad(x, [self.low, self.high, self.low, self.high])
        if self.up_taps is not None:
            x = separable(x, self.up_taps * self.up)
        if not self.last:
            x = F.leaky_relu(x, 0.2) * math.sqrt(2)
        if self.down_taps is not None:
            x = separable(x, self.down_taps)
        return x[:, :, :: self.down, :: self.down]


class Generator(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.mapping = Mapping(o.z, o.classes, o.w, o.map_depth)
        ramp = np.minimum(np.arange(LAYERS + 1) / (LAYERS - CRITICAL), 1)
        last = o.resolution / 2
        cutoffs = FIRST_CUTOFF * (last / FIRST_CUTOFF) ** ramp
        stops = FIRST_STOPBAND * (last * LAST_STOPBAND / FIRST_STOPBAND) ** ramp
        rates = 2 ** np.ceil(np.log2(np.minimum(stops * 2, o.resolution)))
        halves = np.maximum(stops, rates / 2) - cutoffs
        sizes = rates + MARGIN * 2
        sizes[-2:] = o.resolution
        channels = np.rint(np.minimum(o.cbase / 2 / cutoffs, o.cmax))
        channels[-1] = o.channels
        at = [(int(c), int(s), float(r), float(f), float(h)) for c, s, r, f, h in zip(channels, sizes, rates, cutoffs, halves)]
        self.input = Input(o.w, at[0][0], at[0][1], at[0][2], at[0][3])
        self.convs = nn.ModuleList(Layer(o.w, i == LAYERS, at[max(i - 1, 0)], at[i], at[i][0]) for i in range(LAYERS + 1))
        self.layers = LAYERS + 2

    def styles(self, z, c, mix=0):
        return self.mapping(z, c)[:, None].repeat(1, self.layers, 1)

    def synthesis(self, ws):
        x = self.input(ws[:, 0])
        for i, layer in enumerate(self.convs):
            x = layer(x, ws[:, i + 1])
        return x * 0.25


if __name__ == "__main__":
    main(Generator, path_length=False)
