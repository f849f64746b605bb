"""The programs in examples/: they run as their first lines say, and the plain one stays plain."""

import os
import runpy
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

import scumble
from conftest import REPOSITORY, photograph

EXAMPLES = REPOSITORY / "examples"
NAMES = ("content.png", "style.png", "out.png")
DCGAN = EXAMPLES / "dcgan_from_scratch.py"


def run(*arguments: object, folder, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | variables, capture_output=True, text=True, timeout=250, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def folder(tmp_path, content_file, style_file):
    return tmp_path


def test_from_scratch_paints_and_counts_exactly(folder, weights_file):
    program = EXAMPLES / "gatys_from_scratch.py"
    done = run(
        program,
        "content.png",
        "style.png",
        "out.png",
        "--weights",
        weights_file,
        "--size",
        32,
        "--steps",
        3,
        folder=folder,
    )
    lines = done.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == ["evaluation 1", "evaluation 2", "evaluation 3"]
    with Image.open(folder / "out.png") as picture:
        assert picture.size == (38, 32)  # 32 pixels on the shorter side


def test_with_scumble_paints(folder, weights_file, monkeypatch):
    """As it stands, but smaller: the job itself is the real one."""
    real = scumble.stylize
    small = {"size": 32, "steps": 1, "weights": weights_file}
    monkeypatch.setattr(
        scumble, "stylize", lambda *pictures, **settings: real(*pictures, **settings | small), raising=False
    )
    monkeypatch.setattr(sys, "argv", ["gatys_with_scumble.py", *(str(folder / n) for n in NAMES)])
    runpy.run_path(str(EXAMPLES / "gatys_with_scumble.py"), run_name="__main__")
    with Image.open(folder / NAMES[2]) as picture:
        assert max(picture.size) == 32


def plain_imports(program) -> set[str]:
    lines = program.read_text().splitlines()
    return {line.split()[1].split(".")[0] for line in lines if line.startswith(("import", "from"))}


def test_the_plain_programs_stay_plain():
    scratch = EXAMPLES / "gatys_from_scratch.py"
    assert len(scratch.read_text().splitlines()) <= 150
    assert "scumble" not in scratch.read_text()
    assert plain_imports(scratch) <= {"argparse", "pathlib", "numpy", "torch", "PIL", "safetensors"}
    assert len((EXAMPLES / "gatys_with_scumble.py").read_text().splitlines()) <= 15


def test_plain_dcgan_stays_plain():
    assert len(DCGAN.read_text().splitlines()) <= 180
    assert "scumble" not in DCGAN.read_text()
    assert plain_imports(DCGAN) - sys.stdlib_module_names == {"numpy", "torch", "PIL"}


@pytest.fixture(scope="module")
def dcgan():
    return runpy.run_path(str(DCGAN))


@pytest.fixture(scope="module")
def networks(dcgan):
    torch.manual_seed(0)
    return dcgan["initialize"](dcgan["generator"]()), dcgan["initialize"](dcgan["discriminator"]())


def of_type(network, *kinds):
    return [layer for layer in network.modules() if isinstance(layer, kinds)]


def test_dcgan_has_the_parameters_of_the_authors_program(networks):
    assert [sum(p.numel() for p in network.parameters()) for network in networks] == [3_576_704, 2_765_568]
    for network in networks:
        assert all(layer.bias is None for layer in of_type(network, torch.nn.Conv2d, torch.nn.ConvTranspose2d))
    g, d = networks
    assert [layer.num_features for layer in of_type(g, torch.nn.BatchNorm2d)] == [512, 256, 128, 64]
    assert [layer.num_features for layer in of_type(d, torch.nn.BatchNorm2d)] == [128, 256, 512]
    assert {layer.negative_slope for layer in of_type(d, torch.nn.LeakyReLU)} == {0.2}


def test_dcgan_begins_with_small_random_weights(networks):
    for network in networks:
        for layer in of_type(network, torch.nn.Conv2d, torch.nn.ConvTranspose2d):
            many = layer.weight.numel() ** 0.5  # at least 55: five deviations of the estimate are 0.02 * 5 / 55
            assert abs(layer.weight.mean()) < 0.02 * 5 / many
            assert layer.weight.std().item() == pytest.approx(0.02, rel=5 / many)
        factors = torch.cat([layer.weight for layer in of_type(network, torch.nn.BatchNorm2d)])
        assert factors.mean().item() == pytest.approx(1, abs=0.005)
        assert factors.std().item() == pytest.approx(0.02, rel=0.2)
        assert all((layer.bias == 0).all() for layer in of_type(network, torch.nn.BatchNorm2d))


def test_dcgan_discriminator_gives_logits(networks):
    x = torch.randn(8, 3, 64, 64)
    logits = networks[1](x)
    assert logits.shape == (8,)
    assert (logits < 0).any()
    assert networks[1][:-1](x).shape == (8, 1, 1, 1)  # what is flattened is the last convolution's own output


class Sure(torch.nn.Module):
    """A discriminator that calls every picture real, or none, whatever it shows."""

    def __init__(self, logit: float):
        super().__init__()
        self.logit = torch.nn.Parameter(torch.tensor(logit))

    def forward(self, x):
        return self.logit + x.flatten(1).sum(1)


@pytest.mark.parametrize("logit", [20.0, 120.0])
def test_dcgan_hears_of_a_mistake_it_is_sure_of(dcgan, logit):
    """The slope of -log(1 - sigmoid(a)) is sigmoid(a), here 1; through sigmoid and BCELoss it is exactly 0."""
    g, d = torch.nn.Linear(2, 2), Sure(logit)
    torch.nn.init.zeros_(g.weight)
    torch.nn.init.zeros_(g.bias)
    optimizers = [torch.optim.SGD(network.parameters(), lr=1.0) for network in (g, d)]
    loss_d, loss_g, d_real, d_fake = dcgan["train_step"](g, d, *optimizers, torch.zeros(4, 2), torch.ones(4, 2))
    assert d.logit.item() == pytest.approx(logit - 1)
    assert loss_d.item() == pytest.approx(logit)
    assert loss_g.item() == pytest.approx(0, abs=1e-7)
    assert (d_real.item(), d_fake.item()) == (1, 1)

    blind = torch.tensor([logit], requires_grad=True)
    torch.nn.BCELoss()(blind.sigmoid(), torch.zeros(1)).backward()
    assert blind.grad == 0


def test_dcgan_generator_learns_from_a_sure_discriminator(dcgan):
    """The slope of -log sigmoid(a) is sigmoid(a) - 1, here -1, so each of G's outputs goes up by 1."""
    g, d = torch.nn.Linear(2, 2), Sure(-120.0)
    torch.nn.init.zeros_(g.weight)
    torch.nn.init.zeros_(g.bias)
    optimizers = [torch.optim.SGD(g.parameters(), lr=1.0), torch.optim.SGD(d.parameters(), lr=0.0)]
    dcgan["train_step"](g, d, *optimizers, torch.zeros(4, 2), torch.zeros(4, 2))
    assert g.bias.tolist() == pytest.approx([1, 1])


def test_dcgan_losses_are_those_of_the_paper(dcgan, networks):
    logits = torch.randn(50, dtype=torch.float64)
    likely = 1 / (1 + np.exp(-logits.numpy()))
    assert dcgan["cross_entropy"](logits, 1).item() == pytest.approx(-np.log(likely).mean(), rel=1e-12)
    assert dcgan["cross_entropy"](logits, 0).item() == pytest.approx(-np.log(1 - likely).mean(), rel=1e-12)


def test_dcgan_samples_do_not_depend_on_their_neighbours(dcgan, networks):
    g, latents = networks[0], torch.randn(6, 100)
    before = {name: value.clone() for name, value in g.state_dict().items()}
    together, alone = dcgan["sample"](g, latents), dcgan["sample"](g, latents[2:3])
    assert together.shape == (6, 3, 64, 64)
    torch.testing.assert_close(together[2:3], alone, rtol=0, atol=1e-5)
    assert not together.requires_grad
    assert all(torch.equal(before[name], value) for name, value in g.state_dict().items())
    assert g.training
    with torch.no_grad():  # while training, the neighbours do matter
        assert (g(latents)[2:3] - g(latents[2:4])[:1]).abs().max() > 1e-3
    g.load_state_dict(before)


def test_dcgan_grid_keeps_grey_levels(dcgan, tmp_path):
    pictures = torch.full((64, 3, 2, 4), 0.2)
    pictures[9, 0], pictures[10] = -0.4, 3.0
    dcgan["save_grid"](pictures, tmp_path / "grid.png")
    with Image.open(tmp_path / "grid.png") as file:
        grid = np.array(file)
    assert grid.shape == (16, 32, 3)
    assert grid[0, 0].tolist() == [153, 153, 153]  # 127.5 (1 + 0.2)
    assert grid[2, 4].tolist() == [
        76,
        153,
        153,
    ]  # picture 9: second row, second column; 127.5 (1 - 0.4) = 76.5, to even
    assert grid[3, 8].tolist() == [255, 255, 255]


def test_dcgan_reads_folders_and_the_training_part_of_zips(dcgan, tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in ("a/b/wide.png", "a/TALL.JPG"):
        photograph(96, 64).save(tmp_path / name)
    (tmp_path / "a" / "notes.txt").write_text("no picture")
    pictures = dcgan["Pictures"](tmp_path, 64)
    assert len(pictures) == 2
    assert pictures[0].shape == (3, 64, 64)

    with zipfile.ZipFile(tmp_path / "all.zip", "w") as file:
        file.write(tmp_path / "a/b/wide.png", "train/cat/1.png")
        file.write(tmp_path / "a/TALL.JPG", "test/cat/2.jpg")
    zipped = dcgan["Pictures"](tmp_path / "all.zip", 64)
    assert len(zipped) == 1

    # Not resized, only cropped at the centre: the values are the file's own, mirrored half of the time.
    expected = np.array(photograph(96, 64))[:, 16:80].transpose(2, 0, 1) / 127.5 - 1
    drawn = [zipped[0].numpy() for _ in range(40)]
    mirrored = [not np.allclose(x, expected, atol=1e-6) for x in drawn]
    assert all(
        np.allclose(x[:, :, ::-1], expected, atol=1e-6) for x, other in zip(drawn, mirrored, strict=True) if other
    )
    assert 8 < sum(mirrored) < 32


def test_dcgan_trains_two_steps_and_writes_grid_and_weights(tmp_path):
    (tmp_path / "pictures").mkdir()
    for seed in range(9):
        photograph(70, 66, seed).save(tmp_path / "pictures" / f"{seed}.png")
    arguments = (DCGAN, "pictures", "out", "--batch", 4, "--steps", 2, "--epochs", 3)
    done = run("-W", "error", *arguments, folder=tmp_path, OMP_NUM_THREADS="2")
    assert done.stdout.startswith("step 2: L_D ")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["epoch-001.png", "weights.pt"]
    with Image.open(tmp_path / "out" / "epoch-001.png") as grid:
        assert grid.size == (512, 512)
    saved = torch.load(tmp_path / "out" / "weights.pt", weights_only=True)
    assert sorted(saved) == ["d_optimizer", "discriminator", "g_optimizer", "generator"]
    assert saved["g_optimizer"]["state"][0]["step"] == 2
    assert saved["g_optimizer"]["param_groups"][0]["betas"] == (0.5, 0.999)

    run(*arguments, folder=tmp_path, OMP_NUM_THREADS="2")
    again = torch.load(tmp_path / "out" / "weights.pt", weights_only=True)["generator"]
    assert all(torch.equal(value, again[name]) for name, value in saved["generator"].items())  # one seed, one result


def test_dcgan_says_when_a_folder_holds_too_little(tmp_path):
    photograph().save(tmp_path / "one.png")
    done = subprocess.run(
        [sys.executable, DCGAN, tmp_path, tmp_path / "out"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "holds 1 pictures; a batch needs 64" in done.stderr
    assert not (tmp_path / "out").exists()
