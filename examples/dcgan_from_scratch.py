"""Radford, Metz and Chintala, "Unsupervised Representation Learning with Deep Convolutional GANs" (2015), in one file.

    python examples/dcgan_from_scratch.py pictures.zip faces --epochs 25

A generator G paints a picture from 100 random numbers z; a discriminator D says how likely a picture x is a real one:
D(x) = sigmoid(a(x)), where the network computes the logit a(x). Step by step each lowers its own loss:

    L_D = -mean log D(x) - mean log(1 - D(G(z)))                 tell real from fake
    L_G = -mean log D(G(z))                                      pass for real (the "non-saturating" loss)

The networks are those of the authors' Torch program: 64 x 64 pixels, kernels of 4 x 4, half the width of the paper's
figure. Put right, compared with the programs that tutorials copy from it: the losses are computed from logits; the
samples are drawn with statistics frozen and without stretching their contrast; every batch is full, half the pictures
are mirrored, one seed decides everything, and weights and optimisers are saved after every epoch. Nothing here is
clever: it is the algorithm to read, and the measure that faster versions are held against.
"""

import argparse
import itertools
import math
import zipfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import nn
from torch.utils.data import DataLoader, Dataset

SIZE = 64  # pixels, width and height: four doublings of 4
LATENT = 100  # Z, the random numbers that become one picture
WIDTH = 64  # channels of the layers at 32 x 32
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Pictures(Dataset):
    """Every jpg and png of a folder, however deep, or of a zip (of its part `train/`, if it has one)."""

    def __init__(self, path, size):
        path = Path(path)
        self.size, self.zip = size, None if path.is_dir() else zipfile.ZipFile(path)
        files = [str(p) for p in path.rglob("*")] if self.zip is None else self.zip.namelist()
        files = sorted(name for name in files if Path(name).suffix.lower() in (".jpg", ".jpeg", ".png"))
        part = [name for name in files if name.startswith("train/")] if self.zip else []
        self.files = part or files

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        """One picture, (3, size, size) in [-1, 1] as the generator's tanh gives them; mirrored half of the time."""
        name = self.files[index]
        with Image.open(self.zip.open(name) if self.zip else name) as file:
            picture = ImageOps.fit(file.convert("RGB"), (self.size, self.size), Image.Resampling.BICUBIC)
        x = torch.from_numpy(np.array(picture, np.float32)).permute(2, 0, 1) / 127.5 - 1
        return x.flip(2) if torch.rand(()) < 0.5 else x


def generator():
    """(N, Z) latents -> (N, 3, 64, 64) pictures in [-1, 1]; 3,576,704 parameters."""
    layers: list[nn.Module] = [nn.Unflatten(1, (LATENT, 1, 1))]
    channels, stride, padding = LATENT, 1, 0  # the first layer makes 4 x 4 of 1 x 1, the others double
    for width in (WIDTH * 8, WIDTH * 4, WIDTH * 2, WIDTH):  # at 4, 8, 16 and 32 pixels
        # No bias: the batch norm that follows would take it off again, and brings its own.
        convolution = nn.ConvTranspose2d(channels, width, 4, stride, padding, bias=False)
        layers += [convolution, nn.BatchNorm2d(width), nn.ReLU()]
        channels, stride, padding = width, 2, 1
    # No batch norm at the output, nor on D's first layer: pictures may differ in brightness and contrast.
    return nn.Sequential(*layers, nn.ConvTranspose2d(channels, 3, 4, 2, 1, bias=False), nn.Tanh())


def discriminator():
    """(N, 3, 64, 64) pictures -> (N,) logits a(x), not probabilities; 2,765,568 parameters."""
    layers: list[nn.Module] = [nn.Conv2d(3, WIDTH, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for width in (WIDTH * 2, WIDTH * 4, WIDTH * 8):  # at 16, 8 and 4 pixels
        layers += [nn.Conv2d(width // 2, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(WIDTH * 8, 1, 4, bias=False), nn.Flatten(0))


def initialize(network):
    """Small random kernels (section 4 of the paper); batch norm's factors, as in the authors' program, around one."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(layer.weight, 0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1, 0.02)
            nn.init.zeros_(layer.bias)
    return network


def cross_entropy(logits, label):
    """-mean log D where the label is 1, -mean log(1 - D) where it is 0, for D = sigmoid(logits).

    In one function, because a sigmoid with BCELoss after it goes blind: in float32 sigmoid(17) is exactly 1, where its
    slope D (1 - D) is exactly 0, so a discriminator that is surely wrong would never hear of it. From the logit a, the
    loss is log(1 + exp(-a)) or log(1 + exp(a)), and its slope D - label is largest where D is most wrong.
    """
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


def train_step(g, d, g_optimizer, d_optimizer, real, latents):
    """One step of D, then one of G. Returns L_D, L_G and what D made of real and fake: mean D(x) and mean D(G(z))."""
    fake = g(latents)

    # Two batches, each normalised with its own statistics. Detached: this loss is not for G to lower.
    on_real, on_fake = d(real), d(fake.detach())
    loss_d = cross_entropy(on_real, 1) + cross_entropy(on_fake, 0)
    d_optimizer.zero_grad()
    loss_d.backward()
    d_optimizer.step()

    # The same fakes, judged by the D that has just learnt. D gets gradients here too; the next zero_grad drops them.
    loss_g = cross_entropy(d(fake), 1)
    g_optimizer.zero_grad()
    loss_g.backward()
    g_optimizer.step()
    return loss_d.detach(), loss_g.detach(), on_real.detach().sigmoid().mean(), on_fake.detach().sigmoid().mean()


@torch.no_grad()
def sample(g, latents):
    """Pictures with batch norm's statistics frozen: each depends on its own latent and not on its neighbours."""
    g.eval()
    pictures = g(latents)
    g.train()
    return pictures


def save_grid(pictures, path):
    """Write (64, 3, H, W) pictures in [-1, 1] as 8 rows of 8. -1 is black and 1 is white, whatever the others show."""
    pixels = (pictures.clamp(-1, 1) * 127.5 + 127.5).round().byte().cpu()
    rows = pixels.unflatten(0, (8, 8)).permute(0, 3, 1, 4, 2)  # row, y, column, x, colour
    Image.fromarray(rows.flatten(2, 3).flatten(0, 1).numpy()).save(path)


def train(pictures, out, epochs, batch, seed, steps=None, report=print):
    """Train new networks, `steps` steps at most; after each epoch write epoch-NNN.png and weights.pt into `out`."""
    torch.manual_seed(seed)  # the weights, the latents and the mirroring
    order = torch.Generator().manual_seed(seed)
    loader = DataLoader(pictures, batch, shuffle=True, drop_last=True, num_workers=0, generator=order)
    g, d = initialize(generator()).to(DEVICE), initialize(discriminator()).to(DEVICE)
    # Section 4: with beta1 = 0.9, Adam's usual memory of past gradients, training oscillated.
    g_optimizer, d_optimizer = (torch.optim.Adam(n.parameters(), lr=2e-4, betas=(0.5, 0.999)) for n in (g, d))
    fixed = torch.randn(64, LATENT).to(DEVICE)  # the same latents in every grid show how G changes
    step, steps = 0, min(steps or epochs * len(loader), epochs * len(loader))
    for epoch in range(1, math.ceil(steps / len(loader)) + 1):
        for real in itertools.islice(loader, steps - step):
            latents = torch.randn(batch, LATENT).to(DEVICE)
            numbers = train_step(g, d, g_optimizer, d_optimizer, real.to(DEVICE), latents)
            step += 1
            if step % 50 == 0 or step == steps:  # seldom, for on a GPU it waits for the result
                loss_d, loss_g, d_real, d_fake = (number.item() for number in numbers)
                report(f"step {step}: L_D {loss_d:.4f}  L_G {loss_g:.4f}  D(x) {d_real:.3f}  D(G(z)) {d_fake:.3f}")
        save_grid(sample(g, fixed), out / f"epoch-{epoch:03d}.png")
        parts = {"generator": g, "discriminator": d, "g_optimizer": g_optimizer, "d_optimizer": d_optimizer}
        torch.save({name: part.state_dict() for name, part in parts.items()}, out / "weights.tmp")
        (out / "weights.tmp").replace(out / "weights.pt")  # at no time is there half a file of this name


def main():
    parser = argparse.ArgumentParser(description="DCGAN from scratch, 64 x 64 pixels.")
    parser.add_argument("pictures", type=Path, help="a folder or a .zip of jpg and png files")
    parser.add_argument("out", type=Path, help="the folder to write into")
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--batch", type=int, default=64, help="pictures in a step")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="stop after so many steps, all epochs together")
    arguments = parser.parse_args()
    if not (arguments.pictures.is_dir() or zipfile.is_zipfile(arguments.pictures)):
        parser.error(f"{arguments.pictures} is neither a folder nor a .zip file")
    pictures = Pictures(arguments.pictures, SIZE)
    if len(pictures) < arguments.batch:
        parser.error(f"{arguments.pictures} holds {len(pictures)} pictures; a batch needs {arguments.batch}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    train(pictures, arguments.out, arguments.epochs, arguments.batch, arguments.seed, arguments.steps)


if __name__ == "__main__":
    main()
