"""A plain PyTorch StyleGAN2 (Karras et al. 2020, config F), as the peer of the training benchmark.

Written from the papers with standard PyTorch operations. Modulates either the weights, with one grouped
convolution, or the activations, before and after a convolution with shared weights (--modulation). Uses
depthwise convolutions for upfirdn2d, autograd for both regularizers, and no clamps (float32). Sizes, lazy
regularization intervals and the number of parameters are those of GIST. Prints one line of JSON: images
per second of each timed interval, peak resident memory, parameter counts.
"""

import argparse
import copy
import json
import math
import resource
import time

import torch
import torch.nn.functional as F
from torch import nn

FILTER = torch.tensor([1.0, 3.0, 3.0, 1.0])
FILTER = torch.outer(FILTER, FILTER) / FILTER.sum() ** 2


def resample(x, up=1, down=1, pad=(0, 0), gain=1.0):
    """upfirdn2d: upsamples by zero insertion, pads, applies the FIR filter, downsamples."""
    n, c, h, w = x.shape
    if up > 1:
        x = x.reshape(n, c, h, 1, w, 1)
        x = F.pad(x, [0, up - 1, 0, 0, 0, up - 1]).reshape(n, c, h * up, w * up)
    x = F.pad(x, [pad[0], pad[1], pad[0], pad[1]])
    x = F.conv2d(x, (FILTER * gain).repeat(c, 1, 1, 1), groups=c)
    return x[:, :, ::down, ::down]


def lrelu(x, gain=math.sqrt(2)):
    return F.leaky_relu(x, 0.2) * gain


class Linear(nn.Module):
    def __init__(self, inputs, outputs, lr=1.0, bias=0.0, act=False):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr)
        self.bias = nn.Parameter(torch.full([outputs], float(bias)))
        self.scale, self.lr, self.act = lr / math.sqrt(inputs), lr, act

    def forward(self, x):
        x = F.linear(x, self.weight * self.scale, self.bias * self.lr)
        return lrelu(x) if self.act else x


class Mapping(nn.Module):
    def __init__(self, z, c, w, layers, normalise=True):
        super().__init__()
        self.embed = Linear(c, w) if c else None
        sizes = [(z if z else 0) + (w if c else 0)] + [w] * layers
        self.layers = nn.ModuleList(Linear(a, b, 0.01, act=True) for a, b in zip(sizes, sizes[1:]))
        self.z = z

    def forward(self, z, c):
        parts = []
        if self.z:
            parts.append(z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt())
        if self.embed is not None:
            y = self.embed(c)
            parts.append(y * (y.square().mean(1, keepdim=True) + 1e-8).rsqrt())
        x = torch.cat(parts, 1)
        for layer in self.layers:
            x = layer(x)
        return x


MODULATION = "weights"


def modulated(x, weight, styles, demodulate=True, up=False):
    form = on_weights if MODULATION == "weights" else on_activations
    return form(x, weight, styles, demodulate, up)


def on_activations(x, weight, styles, demodulate, up):
    """Karras et al. 2020 (StyleGAN2), equations 1 to 3, with scaling before and after the convolution."""
    x = x * styles[:, :, None, None]
    if up:
        x = resample(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), pad=(1, 1), gain=4.0)
    else:
        x = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
    if demodulate:
        x = x * (styles.square() @ weight.square().sum([2, 3]).t() + 1e-8).rsqrt()[:, :, None, None]
    return x


def on_weights(x, weight, styles, demodulate, up):
    n, c, h, w = x.shape
    k = weight.shape[-1]
    wgt = weight[None] * styles[:, None, :, None, None]
    if demodulate:
        wgt = wgt * (wgt.square().sum([2, 3, 4], keepdim=True) + 1e-8).rsqrt()
    x = x.reshape(1, n * c, h, w)
    if up:
        wgt = wgt.transpose(1, 2).reshape(n * c, -1, k, k)
        x = F.conv_transpose2d(x, wgt, stride=2, groups=n)
        x = x.reshape(n, -1, *x.shape[2:])
        return resample(x, pad=(1, 1), gain=4.0)
    wgt = wgt.reshape(-1, c, k, k)
    x = F.conv2d(x, wgt, padding=k // 2, groups=n)
    return x.reshape(n, -1, *x.shape[2:])


class StyledConv(nn.Module):
    def __init__(self, inputs, outputs, wdim, res, up=False):
        super().__init__()
        self.affine = Linear(wdim, inputs, bias=1)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.strength = nn.Parameter(torch.zeros([]))
        self.res, self.up = res, up

    def forward(self, x, w):
        # The weight gain 1/sqrt(fan_in) cancels out in demodulation.
        x = modulated(x, self.weight, self.affine(w), up=self.up)
        noise = torch.randn(x.shape[0], 1, self.res, self.res) * self.strength
        return lrelu(x + noise + self.bias[None, :, None, None])


class ToImage(nn.Module):
    def __init__(self, inputs, channels, wdim):
        super().__init__()
        self.affine = Linear(wdim, inputs, bias=1)
        self.weight = nn.Parameter(torch.randn(channels, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.scale = 1 / math.sqrt(inputs)

    def forward(self, x, w):
        x = modulated(x, self.weight, self.affine(w) * self.scale, demodulate=False)
        return x + self.bias[None, :, None, None]


class Generator(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.mapping = Mapping(o.z, o.classes, o.w, o.map_depth)
        resolutions = [2**i for i in range(2, int(math.log2(o.resolution)) + 1)]
        channels = {r: min(o.cbase // r, o.cmax) for r in resolutions}
        self.const = nn.Parameter(torch.randn(channels[4], 4, 4))
        self.blocks = nn.ModuleList()
        for r in resolutions:
            block = nn.ModuleDict()
            if r > 4:
                block["conv0"] = StyledConv(channels[r // 2], channels[r], o.w, r, up=True)
            block["conv1"] = StyledConv(channels[r], channels[r], o.w, r)
            block["image"] = ToImage(channels[r], o.channels, o.w)
            self.blocks.append(block)
        self.layers = 2 * len(resolutions)

    def styles(self, z, c, mix=0.9):
        ws = self.mapping(z, c)[:, None].repeat(1, self.layers, 1)
        if torch.rand([]) < mix:
            cut = int(torch.randint(1, self.layers, []))
            ws[:, cut:] = self.mapping(torch.randn_like(z), c)[:, None]
        return ws

    def synthesis(self, ws):
        x, image, i = self.const.repeat(ws.shape[0], 1, 1, 1), None, 0
        for block in self.blocks:
            if "conv0" in block:
                x = block["conv0"](x, ws[:, i])
                i += 1
                image = resample(image, up=2, pad=(2, 1), gain=4.0)
            x = block["conv1"](x, ws[:, i])
            i += 1
            y = block["image"](x, ws[:, min(i, self.layers - 1)])
            image = y if image is None else image + y
        return image


class Conv(nn.Module):
    def __init__(self, inputs, outputs, k, down=False, act=True, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, k, k))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale, self.down, self.act, self.k = 1 / math.sqrt(inputs * k * k), down, act, k

    def forward(self, x):
        w = self.weight * self.scale
        if self.down:
            pad = (self.k - 1) // 2
            x = resample(x, down=2 if self.k == 1 else 1, pad=(1 + pad, 1 + pad))
            x = F.conv2d(x, w, stride=1 if self.k == 1 else 2)
        else:
            x = F.conv2d(x, w, padding=self.k // 2)
        if self.bias is not None:
            x = x + self.bias[None, :, None, None]
        return lrelu(x) if self.act else x


class Discriminator(nn.Module):
    def __init__(self, o):
        super().__init__()
        resolutions = [2**i for i in range(int(math.log2(o.resolution)), 2, -1)]
        channels = {r: min(o.cbase // r, o.cmax) for r in resolutions + [4]}
        self.from_image = Conv(o.channels, channels[o.resolution], 1)
        self.blocks = nn.ModuleList(
            nn.ModuleDict(
                {
                    "conv0": Conv(channels[r], channels[r], 3),
                    "conv1": Conv(channels[r], channels[r // 2], 3, down=True),
                    "skip": Conv(channels[r], channels[r // 2], 1, down=True, act=False, bias=False),
                }
            )
            for r in resolutions
        )
        c = channels[4]
        self.conv = Conv(c + 1, c, 3)
        self.fc = Linear(c * 16, c, act=True)
        self.out = Linear(c, c if o.classes else 1)
        self.mapping = Mapping(0, o.classes, c, o.map_depth) if o.classes else None

    def forward(self, image, c):
        x = self.from_image(image)
        for block in self.blocks:
            skip = block["skip"](x) * math.sqrt(0.5)
            x = block["conv1"](block["conv0"](x)) * math.sqrt(0.5) + skip
        g = min(4, x.shape[0])
        y = x.reshape(g, -1, *x.shape[1:])
        y = (y - y.mean(0)).square().mean(0).add(1e-8).sqrt().mean([1, 2, 3])
        x = torch.cat([x, y.repeat(g)[:, None, None, None].expand(-1, 1, 4, 4)], 1)
        x = self.out(self.fc(self.conv(x).flatten(1)))
        if self.mapping is not None:
            x = (x * self.mapping(None, c)).sum(1, keepdim=True) / math.sqrt(x.shape[1])
        return x


def main(generator=Generator, path_length=True):
    global MODULATION
    p = argparse.ArgumentParser()
    for name, value in dict(resolution=64, channels=1, cbase=4096, cmax=128, map_depth=2, z=512, w=512, classes=0, batch=16, threads=2).items():
        p.add_argument(f"--{name}", type=int, default=value)
    p.add_argument("--gamma", type=float, default=1.0)
    p.add_argument("--seconds", type=float, default=20)
    p.add_argument("--generate", action="store_true")
    p.add_argument("--modulation", choices=["weights", "activations"], default=MODULATION)
    o = p.parse_args()
    MODULATION = o.modulation
    torch.set_num_threads(o.threads)
    torch.manual_seed(0)
    G, D = generator(o), Discriminator(o)
    ema, pl_mean = copy.deepcopy(G).eval(), torch.zeros([])
    lazy_g, lazy_d = 4 / 5 if path_length else 1, 16 / 17
    opt_g = torch.optim.Adam(G.parameters(), lr=0.0025 * lazy_g, betas=(0.0, 0.99**lazy_g), eps=1e-8)
    opt_d = torch.optim.Adam(D.parameters(), lr=0.0025 * lazy_d, betas=(0.0, 0.99**lazy_d), eps=1e-8)
    real = torch.rand(o.batch, o.channels, o.resolution, o.resolution) * 2 - 1
    eye = torch.eye(o.classes) if o.classes else None

    def inputs(n):
        c = eye[torch.randint(o.classes, [n])] if o.classes else None
        return torch.randn(n, o.z), c

    def step(i):
        nonlocal pl_mean
        z, c = inputs(o.batch)
        opt_g.zero_grad(set_to_none=True)
        D.requires_grad_(False)
        F.softplus(-D(G.synthesis(G.styles(z, c)), c)).mean().backward()
        opt_g.step()
        if path_length and i % 4 == 0:
            opt_g.zero_grad(set_to_none=True)
            z, c = inputs(o.batch // 2)
            ws = G.styles(z, c)
            image = G.synthesis(ws)
            noise = torch.randn_like(image) / o.resolution
            (grad,) = torch.autograd.grad((image * noise).sum(), ws, create_graph=True)
            length = grad.square().sum(2).mean(1).sqrt()
            pl_mean = pl_mean.lerp(length.detach().mean(), 0.01)
            ((length - pl_mean).square().mean() * 2 * 4).backward()
            opt_g.step()
        opt_d.zero_grad(set_to_none=True)
        D.requires_grad_(True)
        z, c = inputs(o.batch)
        with torch.no_grad():
            fake = G.synthesis(G.styles(z, c))
        F.softplus(D(fake, c)).mean().backward()
        F.softplus(-D(real, c)).mean().backward()
        opt_d.step()
        if i % 16 == 0:
            opt_d.zero_grad(set_to_none=True)
            x = real.detach().requires_grad_(True)
            (grad,) = torch.autograd.grad(D(x, c).sum(), x, create_graph=True)
            (grad.square().sum([1, 2, 3]).mean() * o.gamma / 2 * 16).backward()
            opt_d.step()
        with torch.no_grad():
            for a, b in zip(ema.parameters(), G.parameters()):
                a.lerp_(b, 0.002)

    def generate(_):
        with torch.no_grad():
            z, c = inputs(o.batch)
            ema.synthesis(ema.styles(z, c, mix=0))

    work = generate if o.generate else step
    work(0)
    work(1)
    # Whole periods of lazy regularization, so that all intervals contain the same phases.
    rates, end, i = [], time.perf_counter() + o.seconds, 0
    while time.perf_counter() < end or not rates:
        start = time.perf_counter()
        for _ in range(16):
            work(i)
            i += 1
        rates.append(16 * o.batch / (time.perf_counter() - start))
    size = 2048
    a = torch.randn(size, size)
    a @ a
    start = time.perf_counter()
    for _ in range(5):
        a @ a
    matmul = 5 * 2 * size**3 / (time.perf_counter() - start) / 1e9
    count = lambda m: sum(q.numel() for q in m.parameters())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(dict(imagesPerSecond=rates, peakBytes=peak, parameters=dict(G=count(G), D=count(D)), matmulGflops=matmul, torch=torch.__version__)))


if __name__ == "__main__":
    main()
