"""Gatys, Ecker and Bethge, "A Neural Algorithm of Artistic Style" (2015), in one plain file.

    python examples/gatys_from_scratch.py photo.jpg painting.jpg result.png --weights vgg19-caffe.safetensors

Find the picture x that minimises  L(x) = L_content(x) + L_style(x),  where a trained network, VGG19, does the looking:

    L_content = mean over relu4_2 of (F(x) - F(content))^2                  what is painted: the features themselves
    L_style   = sum over five layers of w_l mean (G_l(x) - G_l(style))^2    how it is painted: their correlations
    G_l       = F_l F_l^T / (H W)                                           the Gram matrix, C x C: place is forgotten

Only the pixels are optimised; the network never changes. Nothing here is clever: it is the algorithm to read, and the
measure that faster versions are held against.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file

# VGG19 up to relu5_1: the convolutions' output channels, "pool" between the five blocks. Every convolution is 3 x 3
# with a border of one zero pixel, and a ReLU follows it.
VGG19 = [64, 64, "pool", 128, 128, "pool", 256, 256, 256, 256, "pool", 512, 512, 512, 512, "pool", 512]

CONTENT_LAYER = "relu4_2"
# 1e3 / C^2 makes up for Gram matrices that grow with the number of channels C.
STYLE_WEIGHTS = {
    "relu1_1": 1e3 / 64**2,
    "relu2_1": 1e3 / 128**2,
    "relu3_1": 1e3 / 256**2,
    "relu4_1": 1e3 / 512**2,
    "relu5_1": 1e3 / 512**2,
}
# The authors' network was trained with Caffe, on pictures in BGR order, 0..255, with this mean taken off.
# Other weights want other preparation (torchvision's: RGB, 0..1, mean and deviation of ImageNet).
CAFFE_MEAN_BGR = torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1)


def load_picture(path, size):
    """A picture as a (1, 3, H, W) tensor, RGB in 0..255, its shorter side resized to `size` pixels."""
    picture = Image.open(path).convert("RGB")
    scale = size / min(picture.size)
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(picture, np.float32)).permute(2, 0, 1)[None].contiguous()


def save_picture(x, path):
    """Write a (1, 3, H, W) tensor. Rounds, and works on a copy: x may be optimised further."""
    pixels = x.detach()[0].clamp(0, 255).round().byte().permute(1, 2, 0)
    Image.fromarray(pixels.numpy()).save(path)


def load_vgg19(path):
    """The convolutions' weights and biases, in order, from torchvision's names `features.N.weight`."""
    path = Path(path)
    tensors = load_file(path) if path.suffix == ".safetensors" else torch.load(path, weights_only=True)
    parameters, index = [], 0
    for channels in VGG19:
        if channels == "pool":
            index += 1
        else:
            parameters.append((tensors[f"features.{index}.weight"].float(), tensors[f"features.{index}.bias"].float()))
            index += 2  # a convolution and its ReLU
    return parameters


def features(x, parameters):
    """What VGG19 sees in x: {"relu1_1": (1, 64, H, W), ...}. Named, so that no two layers can be mistaken."""
    x = x.flip(1) - CAFFE_MEAN_BGR  # RGB -> BGR, without the mean
    seen, block, layer, convolutions = {}, 1, 1, iter(parameters)
    for channels in VGG19:
        if channels == "pool":
            x = F.max_pool2d(x, 2)
            block, layer = block + 1, 1
        else:
            weight, bias = next(convolutions)
            x = F.relu(F.conv2d(x, weight, bias, padding=1))
            seen[f"relu{block}_{layer}"] = x
            layer += 1
    return seen


def gram(f):
    """(1, C, H, W) features -> (C, C) correlations of the channels, averaged over all places."""
    f = f[0].flatten(1)  # (C, H*W)
    return f @ f.T / f.shape[1]


def loss_of(x, parameters, content_target, style_targets):
    """L(x): one pass through the network, and the sum of the differences from the targets."""
    seen = features(x, parameters)
    loss = F.mse_loss(seen[CONTENT_LAYER], content_target)
    for name, weight in STYLE_WEIGHTS.items():
        loss = loss + weight * F.mse_loss(gram(seen[name]), style_targets[name])
    return loss


@torch.no_grad()
def targets(content, style, parameters):
    """What the picture should come to: the content's features, and the style's Gram matrices."""
    style_features = features(style, parameters)
    style_targets = {name: gram(style_features[name]) for name in STYLE_WEIGHTS}
    return features(content, parameters)[CONTENT_LAYER], style_targets


def stylize(content, style, parameters, steps, report=print):
    """The picture after `steps` evaluations of the loss, starting from the content picture."""
    content_target, style_targets = targets(content, style, parameters)
    x = content.clone().requires_grad_()
    # One call of step() makes max_iter evaluations; tolerances of zero keep it from stopping before.
    optimizer = torch.optim.LBFGS(
        [x], max_iter=steps, max_eval=steps, history_size=100, tolerance_grad=0, tolerance_change=0
    )
    evaluation = 0

    def closure():
        nonlocal evaluation
        optimizer.zero_grad()
        loss = loss_of(x, parameters, content_target, style_targets)
        loss.backward()
        evaluation += 1
        report(f"evaluation {evaluation}: loss {loss.item():.6g}")
        return loss

    optimizer.step(closure)
    return x.detach()


def main():
    parser = argparse.ArgumentParser(description="Neural style transfer from scratch.")
    parser.add_argument("content")
    parser.add_argument("style")
    parser.add_argument("output")
    parser.add_argument("--weights", required=True, help="VGG19, Caffe's training run: .safetensors or .pth")
    parser.add_argument("--size", type=int, default=512, help="the shorter side of the result, in pixels")
    parser.add_argument("--steps", type=int, default=500, help="evaluations of the loss")
    arguments = parser.parse_args()

    parameters = load_vgg19(arguments.weights)
    content = load_picture(arguments.content, arguments.size)
    style = load_picture(arguments.style, arguments.size)
    save_picture(stylize(content, style, parameters, arguments.steps), arguments.output)


if __name__ == "__main__":
    main()
