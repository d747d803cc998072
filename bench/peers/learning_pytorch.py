"""Trains a plain PyTorch StyleGAN2 or StyleGAN3-T and writes synthetic images at each snapshot.

    python learning_pytorch.py IMAGES.npy FOLDER --kimg 60 --snapshot_kimg 5 --count 2000 ...

IMAGES.npy is uint8 [n, c, h, w]. `FOLDER/<kimg>.raw` is uint8 [count, h, w, c] of the EMA generator,
without truncation. A training in the same folder resumes from the last snapshot.

The procedure is that of GIST: lazy regularization, style mixing and path length regularization for
StyleGAN2, and EMA with ramp-up.
"""

import argparse
import copy
import os

import numpy
import torch
import torch.nn.functional as F
import stylegan2_pytorch
import stylegan3_pytorch
from stylegan2_pytorch import Discriminator

GENERATORS = {"stylegan2": stylegan2_pytorch.Generator, "stylegan3-t": stylegan3_pytorch.Generator}


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("images")
    p.add_argument("folder")
    p.add_argument("--cfg", choices=GENERATORS, default="stylegan2")
    sizes = dict(resolution=32, channels=1, cbase=1024, cmax=64, map_depth=2, z=512, w=512, classes=0)
    for name, value in dict(sizes, batch=16, threads=2, seed=0, count=2000).items():
        p.add_argument(f"--{name}", type=int, default=value)
    for name, value in dict(kimg=1.0, snapshot_kimg=1.0, gamma=0.1, lr=0.002, ema_kimg=5.0).items():
        p.add_argument(f"--{name}", type=float, default=value)
    return p.parse_args()


class Training:
    def __init__(self, o):
        self.o = o
        self.G, self.D = GENERATORS[o.cfg](o), Discriminator(o)
        self.has_path_length = o.cfg == "stylegan2"
        self.ema, self.pl_mean = copy.deepcopy(self.G).eval(), torch.zeros([])
        lazy_g, lazy_d = 4 / 5 if self.has_path_length else 1, 16 / 17
        adam = lambda net, lazy: torch.optim.Adam(net.parameters(), lr=o.lr * lazy, betas=(0.0, 0.99**lazy), eps=1e-8)
        self.opt_g, self.opt_d = adam(self.G, lazy_g), adam(self.D, lazy_d)
        self.images = torch.from_numpy(numpy.load(o.images))
        self.order, self.place, self.shown = torch.randperm(len(self.images)), 0, 0

    def next_batch(self):
        chosen = []
        while len(chosen) < self.o.batch:
            if self.place == len(self.order):
                self.order, self.place = torch.randperm(len(self.images)), 0
            chosen.append(int(self.order[self.place]))
            self.place += 1
        return self.images[chosen].float() / 127.5 - 1

    def step(self, i):
        o, G, D = self.o, self.G, self.D
        G.requires_grad_(True)
        D.requires_grad_(False)
        self.opt_g.zero_grad(set_to_none=True)
        F.softplus(-D(G.synthesis(G.styles(torch.randn(o.batch, o.z), None)), None)).mean().backward()
        self.opt_g.step()
        if self.has_path_length and i % 4 == 0:
            self.path_length()
        G.requires_grad_(False)
        D.requires_grad_(True)
        real = self.next_batch()
        with torch.no_grad():
            fake = G.synthesis(G.styles(torch.randn(o.batch, o.z), None))
        self.opt_d.zero_grad(set_to_none=True)
        (F.softplus(D(fake, None)) + F.softplus(-D(real, None))).mean().backward()
        self.opt_d.step()
        if i % 16 == 0:
            self.opt_d.zero_grad(set_to_none=True)
            x = real.requires_grad_(True)
            (grad,) = torch.autograd.grad(D(x, None).sum(), x, create_graph=True)
            (grad.square().sum([1, 2, 3]).mean() * o.gamma / 2 * 16).backward()
            self.opt_d.step()
        self.shown += o.batch
        self.average()

    def path_length(self):
        self.opt_g.zero_grad(set_to_none=True)
        ws = self.G.styles(torch.randn(self.o.batch // 2, self.o.z), None)
        image = self.G.synthesis(ws)
        noise = torch.randn_like(image) / self.o.resolution
        (grad,) = torch.autograd.grad((image * noise).sum(), ws, create_graph=True)
        length = grad.square().sum(2).mean(1).sqrt()
        mean = self.pl_mean.lerp(length.mean(), 0.01)
        self.pl_mean = mean.detach()
        ((length - mean).square().mean() * 2 * 4).backward()
        self.opt_g.step()

    def average(self):
        half_life = min(self.o.ema_kimg * 1000, self.shown * 0.05)
        beta = 0.5 ** (self.o.batch / max(half_life, 1e-8))
        with torch.no_grad():
            for a, b in zip(self.ema.parameters(), self.G.parameters()):
                a.copy_(b.lerp(a, beta))
        # Magnitudes are buffers: the EMA copies the newest value (Karras et al. 2021, appendix C).
        for a, b in zip(self.ema.modules(), self.G.modules()):
            if hasattr(b, "magnitude"):
                a.magnitude = b.magnitude

    def write_images(self):
        state = torch.get_rng_state()
        torch.manual_seed(1)
        with torch.no_grad(), open(os.path.join(self.o.folder, f"{self.shown / 1000:.3f}.raw.part"), "wb") as file:
            for first in range(0, self.o.count, 50):
                z = torch.randn(min(50, self.o.count - first), self.o.z)
                made = self.ema.synthesis(self.ema.styles(z, None, mix=0))
                pixels = (made * 127.5 + 128).clamp(0, 255).to(torch.uint8)
                file.write(pixels.permute(0, 2, 3, 1).contiguous().numpy().tobytes())
        os.rename(file.name, file.name.removesuffix(".part"))
        torch.set_rng_state(state)


def save(path, training, i):
    torch.save(dict(training=training, step=i, random=torch.get_rng_state()), path + ".part")
    os.rename(path + ".part", path)


def load(path, o):
    """Loads a training, with the current options: its length in kimg may have been extended."""
    state = torch.load(path, weights_only=False)
    torch.set_rng_state(state["random"])
    state["training"].o = o
    return state["training"], state["step"]


def main():
    o = arguments()
    torch.set_num_threads(o.threads)
    torch.manual_seed(o.seed)
    path = os.path.join(o.folder, "state.pt")
    training, i = load(path, o) if os.path.exists(path) else (Training(o), 0)
    while training.shown < o.kimg * 1000:
        before = training.shown
        training.step(i)
        i += 1
        is_due = training.shown // (o.snapshot_kimg * 1000) > before // (o.snapshot_kimg * 1000)
        if is_due or training.shown >= o.kimg * 1000:
            training.write_images()
            save(path, training, i)


if __name__ == "__main__":
    main()
