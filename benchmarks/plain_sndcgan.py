"""SNDCGAN (Miyato et al. 2018) as anybody would write it in PyTorch: what the library's default is measured against.

The networks are the library's at 64 x 64 pixels and width 32, layer for layer. Nothing here is clever: pictures lie as
PyTorch lays them, pixels are repeated before they are convolved, real and generated pictures are looked at one batch
after the other, and the generator's step computes gradients of the discriminator that nobody asks for.
"""

import itertools

import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

LATENT = 128  # Z
CHANNELS = (16, 32, 64, 128, 256)  # at 64, 32, 16, 8 and 4 pixels


def generator():
    """(N, Z) latents -> (N, 3, 64, 64) pictures in [-1, 1]."""
    widths = CHANNELS[::-1]
    layers = [nn.Linear(LATENT, widths[0] * 16), nn.Unflatten(1, (widths[0], 4, 4)), nn.BatchNorm2d(widths[0])]
    layers.append(nn.ReLU())
    for before, after in itertools.pairwise(widths):
        layers += [nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after)]
        layers.append(nn.ReLU())
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], 3, 3, padding=1), nn.Tanh())


def discriminator():
    """(N, 3, 64, 64) pictures -> (N,) logits, each layer with a spectral norm of 1."""
    layers = [spectral_norm(nn.Conv2d(3, CHANNELS[0], 3, padding=1)), nn.LeakyReLU(0.1)]
    for before, after in itertools.pairwise(CHANNELS):
        layers += [spectral_norm(nn.Conv2d(before, after, 4, stride=2, padding=1)), nn.LeakyReLU(0.1)]
        layers += [spectral_norm(nn.Conv2d(after, after, 3, padding=1)), nn.LeakyReLU(0.1)]
    return nn.Sequential(*layers, nn.Flatten(), spectral_norm(nn.Linear(CHANNELS[-1] * 16, 1)), nn.Flatten(0))


def train_step(g, d, g_optimizer, d_optimizer, real, latents):
    """One step of D, then one of G, by the hinge loss. Returns both losses."""
    fake = g(latents)
    loss_d = F.relu(1 - d(real)).mean() + F.relu(1 + d(fake.detach())).mean()
    d_optimizer.zero_grad()
    loss_d.backward()
    d_optimizer.step()

    loss_g = -d(fake).mean()
    g_optimizer.zero_grad()
    loss_g.backward()
    g_optimizer.step()
    return loss_d.detach(), loss_g.detach()
