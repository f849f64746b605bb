"""Sheets and films: what they show, and the commands that write them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_material import untrained_gan
from scumble.cli import app
from scumble.errors import SettingsError
from scumble.gan import sample_sheets
from scumble.gan.models import latents, projection
from scumble.gan.models.sample import draw_latents
from scumble.image import recipe

pytestmark = pytest.mark.usefixtures("one_thread")


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as exit_:
        app.main([str(argument) for argument in arguments])
    return int(exit_.value.code or 0)


@pytest.mark.parametrize("preset", ["rpgan", "cgan"])
def test_a_strip_holds_the_pictures_on_the_way(preset, tmp_path):
    gan = untrained_gan(preset)
    chosen = "b" if preset == "cgan" else None
    sample_sheets.write_walk(gan, [3, 5, 8], tmp_path / "strip.png", between=4, of_class=chosen)
    with Image.open(tmp_path / "strip.png") as picture:
        strip = np.asarray(picture)
    assert strip.shape == (3 * 48 + 4, 4 * 60 + 6, 3)  # 20 x 16 pixels, three times as large; the last one by itself
    for row, seed in enumerate([3, 5, 8]):
        [expected] = gan.draw_array(draw_latents([seed], 8), chosen)
        assert np.array_equal(strip[row * 50 : row * 50 + 48 : 3, :60:3], expected)
    assert recipe.read(tmp_path / "strip.png")["seeds"] == [3, 5, 8]


@pytest.mark.parametrize(("closed", "frames"), [(False, 9), (True, 12)])
def test_a_film_has_a_frame_for_each_step(closed, frames, tmp_path):
    sample_sheets.write_walk(untrained_gan("rpgan"), [0, 1, 2], tmp_path / "walk.gif", 1.0, 4, closed)
    with Image.open(tmp_path / "walk.gif") as film:
        assert getattr(film, "n_frames", 1) == frames
        durations = []
        for number in range(frames):
            film.seek(number)
            durations.append(film.info["duration"])
    assert (durations[-1] - durations[0] >= 1500) is not closed  # who goes round does not stop


def test_the_sheet_of_arithmetic_shows_seeds_above_their_averages(tmp_path):
    gan = untrained_gan("rpgan")
    sample_sheets.write_arithmetic(gan, [0, 1, 2], [3], [4, 5], tmp_path / "sum.png")
    with Image.open(tmp_path / "sum.png") as picture:
        cells = np.asarray(picture)
    assert cells.shape == (4 * 48 + 6, 4 * 60 + 6, 3)
    operands = [draw_latents(seeds, 8) for seeds in ([0, 1, 2], [3], [4, 5])]
    averages = gan.draw_array(latents.arithmetic(*operands))
    for column in range(4):
        bottom = cells[150::3, column * 62 : column * 62 + 60 : 3]
        assert np.array_equal(bottom, averages[column])
    assert np.array_equal(cells[100:148:3, :60:3], gan.draw_array(operands[0])[2])
    assert (cells[50:98, 62:122] == 255).all()  # B has one seed only


def test_samples_go_into_one_grid_or_a_folder(noise_gan, tmp_path):
    [grid] = sample_sheets.write_samples(noise_gan, [1, 2, 3], tmp_path / "grid.png", columns=2)
    with Image.open(grid) as picture:
        assert picture.size == (2 * 60 + 2, 2 * 48 + 2)  # 20 x 16 pixels, three times as large
        corner = np.asarray(picture)[50:98, 62:]
    assert (corner == 255).all()
    written = list(sample_sheets.write_samples(noise_gan, [1, 22], tmp_path / "many"))
    assert [path.name for path in written] == ["seed000001.png", "seed000022.png"]
    with Image.open(written[1]) as picture:
        assert np.array_equal(np.asarray(picture), noise_gan.sample_array([22])[0])
    with pytest.raises(SettingsError, match="ends in '.xyz'"):
        list(sample_sheets.write_samples(noise_gan, [1], tmp_path / "grid.xyz"))


def test_every_class_has_a_folder_of_its_own(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    gan = untrained_gan("cgan")
    gan.save_pretrained("model")
    assert run("gan", "sample", "model", "--seeds", "0-3", "-o", "out") == 0  # in turns
    files = sorted(path.relative_to("out").as_posix() for path in Path("out").rglob("*.png"))
    assert files == ["a/seed000000.png", "a/seed000003.png", "b/seed000001.png", "c/seed000002.png"]
    for name in "bc":
        assert run("gan", "sample", "model", "--class", name, "--seeds", "0", "-o", "out") == 0
    assert run("gan", "sample", "model", "--class", "a", "--class", "c", "--seeds", "7", "-o", "out") == 0
    more = ["a/seed000007.png", "b/seed000000.png", "c/seed000000.png", "c/seed000007.png"]
    assert sorted(path.relative_to("out").as_posix() for path in Path("out").rglob("*.png")) == sorted(files + more)
    with Image.open("out/c/seed000007.png") as picture:
        assert np.array_equal(np.asarray(picture), gan.sample_array([7], of_class="c")[0])
    capsys.readouterr()
    assert run("gan", "sample", "model", "--class", "a", "--class", "z", "-o", "new") == 2
    assert "class: got 'z', wanted one of a, b, c" in capsys.readouterr().err
    assert not Path("new").exists()


def test_a_grid_of_several_classes_has_a_row_for_each(tmp_path):
    gan = untrained_gan("cgan")
    [path] = sample_sheets.write_samples(gan, [5, 6, 7], tmp_path / "grid.png", of_classes=["c", "a"])
    with Image.open(path) as picture:
        sheet = np.asarray(picture)
    assert sheet.shape[:2] == (2 * 48 + 2, 3 * 60 + 2 * 2)
    assert np.array_equal(sheet[50:98:3, :60:3], gan.sample_array([5], of_class="a")[0])


@pytest.mark.parametrize(
    "classes",
    [
        ["../../etc", "/abs", "..", ".", ""],
        ["Cat", "cat"],
        ["1-a_b", "a/b"],
        ["a\\b", "a/b", "a:b", "a?b"],
        ["x" * 300],
    ],
)
def test_no_class_leaves_the_folder_or_shares_it(classes, tmp_path):
    names = sample_sheets.folder_names(classes)
    assert len({name.casefold() for name in names}) == len(classes)
    for name in names:
        assert (tmp_path / name).resolve().parent == tmp_path.resolve()
        (tmp_path / name).mkdir()


FOREIGN = b"somebody else's"


@pytest.mark.parametrize(
    "words",
    [
        ["sample", "model", "--seeds", "0-3", "-o", "out.png"],
        ["sample", "model", "--seeds", "2,3", "-o", "folder"],
        ["interpolate", "model", "--seeds", "0,1", "--between", "2", "-o", "out.jpg"],
        ["interpolate", "model", "--seeds", "0,1", "--between", "2", "-o", "out.gif"],
        ["interpolate", "model", "--seeds", "0,1", "--between", "2", "-o", "out.webp"],
        ["arithmetic", "model", "0", "1", "2", "-o", "out.png"],
        ["project", "model", "teal.png", "--by", "pixels", "-o", "out.tif"],
        ["export", "model", "--onnx", "out.onnx"],
        ["plot", "run", "-o", "out.png"],
        ["plot", "run", "-o", "out.svg"],
        ["plot", "run", "-o", "out.pdf"],
        ["film", "run", "-o", "out.webp"],
        ["features", "run", "noise.npz", "-o", "out.npy"],
    ],
    ids=lambda words: f"{words[0]}-{words[-1]}",
)
def test_only_what_is_ours_is_written_over_unasked(words, noise_run, tmp_path, monkeypatch, capsys):
    if words[0] == "export":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(projection, "STEPS", 2)
    untrained_gan("rpgan").save_pretrained("model")
    Image.new("RGB", (20, 16), "teal").save("teal.png")
    words = [str(noise_run) if word == "run" else word for word in words]
    words = [str(noise_run.parent / word) if word == "noise.npz" else word for word in words]
    output = Path("folder/seed000003.png" if words[-1] == "folder" else words[-1])
    output.parent.mkdir(exist_ok=True)
    output.write_bytes(FOREIGN)
    assert run("gan", *words) == 1
    told = capsys.readouterr()
    assert f"output {output} is there already, and not made by scumble" in told.err
    assert "--overwrite" in told.err
    assert not told.out
    assert output.read_bytes() == FOREIGN
    assert len(list(output.parent.glob("*"))) == 1 or output.parent == Path()
    assert run("gan", *words, "--overwrite") == 0
    assert output.read_bytes() != FOREIGN
    assert run("gan", *words) == 0  # made again, it is ours


def test_the_commands_as_they_are_typed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(projection, "STEPS", 4)
    untrained_gan("cgan").save_pretrained(tmp_path / "model")
    Image.new("RGB", (30, 20), "teal").save("teal.png")
    assert run("gan", "interpolate", "model", "--seeds", "0,3", "--between", "3", "--closed", "-o", "a.webp") == 0
    assert run("gan", "arithmetic", "model", "0-2", "3-5", "6", "--class", "b", "-o", "b.png") == 0
    assert run("gan", "project", "model", "teal.png", "--by", "pixels", "-q", "-o", "c.png") == 0
    assert capsys.readouterr().out.split() == ["a.webp", "b.png", "c.png"]
    for words, code, complaint in (
        (["interpolate", "model", "--seeds", "4"], 2, "seeds: got 1, wanted two or more"),
        (["interpolate", "model", "-o", "walk.avi"], 2, "walk.avi ends in '.avi'"),
        (["interpolate", "model", "--between", "0"], 2, "between: got 0, wanted 1 to 1,000"),
        (["arithmetic", "model", "0", "x", "1"], 2, "seeds: got 'x'"),
        (["arithmetic", "model", "0", "1", "2", "--class", "z"], 2, "class: got 'z', wanted one of a, b, c"),
        (["project", "model", "nothing.png"], 1, "nothing.png"),
        (["project", "model", "teal.png", "-o", "teal.png"], 1, "teal.png"),
        (["project", "model", "teal.png", "--class", "z"], 2, "class: got 'z', wanted one of a, b, c"),
    ):
        assert run("gan", *words) == code, words
        assert complaint in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.webp", "b.png", "c.png", "model", "teal.png"]
