"""A run's report: whole, of runs with parts missing, with names from strangers, and asking no host for anything."""

import base64
import dataclasses
import importlib.util
import io
import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import scumble
from conftest import REPOSITORY, run
from gan_material import Projection, arrays, halves_of_noise, looked_at_by
from scumble.errors import DataError, ImageError, RunError, SettingsError
from scumble.events import returned
from scumble.gan.evaluation import best_model
from scumble.gan.report import contents, page, poster
from scumble.gan.report.contents import gather
from scumble.image import recipe
from scumble.storage.run import Run

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = {"width": 4, "latent": 8, "batch": 8, "images": 320, "grids": 1}
EVIL = '<script src="//evil.example"></script>'


@pytest.fixture(autouse=True)
def projection(monkeypatch) -> None:
    """So that few pictures are enough for all figures."""
    looked_at_by(Projection(6), monkeypatch)


@pytest.fixture
def trained(tmp_path) -> Path:
    scumble.train(arrays(tmp_path / "x.npz", 80), tmp_path / "run", **TINY)
    return tmp_path / "run"


class Page(HTMLParser):
    """What a page consists of: its tags with their attributes, and its text."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def images(self) -> list[str]:
        return [attributes["src"] or "" for tag, attributes in self.tags if tag == "img"]


def reported(folder: Path, *given, **settings) -> Page:
    scumble.report(folder, *given, **settings)
    return Page((folder / "report.html").read_text())


def test_a_report_has_all_its_parts(trained):
    found = reported(trained)
    for title in ("How good it is", "What it draws", "Is anything copied?", "How it learnt", "What it was trained on"):
        assert title in found.text
    assert "A GAN trained on x.npz" in found.text
    assert "run: finished: 320 images" in found.text
    assert "other real pictures" in found.text
    assert "samples is nearer to a real picture" in found.text or "samples are nearer" in found.text
    verdicts = [attributes for tag, attributes in found.tags if "verdict" in (attributes.get("class") or "")]
    assert len(verdicts) == 1
    assert len(found.images()) == 1 + 3 * contents.COMPARED
    assert any(tag == "svg" for tag, _ in found.tags)
    with Image.open(trained / "report.png") as sheet:
        assert sheet.size == (1240, 1753)
    assert recipe.read(trained / "report.png")["report"] == "run"


def test_seeds_that_draw_classes_in_turn_and_a_seed_of_0_are_told(tmp_path):
    pixels, labels = halves_of_noise(60, 0)
    np.savez(tmp_path / "x.npz", x=pixels, y=labels)
    scumble.train(tmp_path / "x.npz", tmp_path / "run", **TINY | {"preset": "acgan"})
    text = page.page(returned(gather(tmp_path / "run", None, "cpu")))
    assert "neither selected nor truncated. Classes take turns." in text
    assert "<dt>seed</dt><dd>0</dd>" in text


def test_a_page_asks_no_host_for_anything(trained, tmp_path):
    spec = importlib.util.spec_from_file_location("docs_generate", REPOSITORY / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    scumble.report(trained, output=tmp_path / "page.html")
    assert list(generate.foreign(tmp_path)) == []
    found = Page((tmp_path / "page.html").read_text())
    assert all(source.startswith("data:image/png;base64,") for source in found.images())
    assert not {tag for tag, _ in found.tags} & {"script", "link", "iframe", "object", "embed", "form"}
    links = [value for _, attributes in found.tags for name, value in attributes.items() if name.endswith("href")]
    assert all((link or "").startswith("#") for link in links)  # of curves, to their own symbols
    policy = next(a["content"] for _, a in found.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert (policy or "").startswith("default-src 'none'")


def test_large_pictures_make_no_page_that_is_too_large_to_send(trained):
    found = returned(gather(trained, None, "cpu"))
    large = dataclasses.replace(found, samples=np.zeros((contents.SAMPLES, 512, 512, 3), np.uint8))
    sizes = []
    for source in Page(page.page(large)).images():
        with Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) as image:
            sizes.append(image.size)
    assert sizes[0] == (page.SHEET, page.SHEET)
    assert sizes[1 : 1 + contents.COMPARED] == [(page.NEAR, page.NEAR)] * contents.COMPARED
    assert sizes[-1] == (64, 64)  # small ones are enlarged as ever


def test_the_curves_take_the_colours_of_the_page(trained):
    drawn = page.svg_of_curves(returned(gather(trained, None, "cpu")))
    assert "currentColor" in drawn
    assert page.INK not in drawn
    assert "DejaVu" not in drawn
    assert "<text" in drawn


def test_names_from_strangers_are_text_on_the_page_and_in_the_picture(tmp_path):
    pixels, labels = halves_of_noise(60, 0)
    names = np.array([f"{EVIL}$x^$", "{{verdict}} & <b>", "a\x1b[31m\u202eb \u4e00" + "c" * 100])
    np.savez(tmp_path / "{{title}}<img src=x>.npz", x=pixels, y=names[np.unique(labels, return_inverse=True)[1]])
    folder = tmp_path / "<i>$run$"
    scumble.train(tmp_path / "{{title}}<img src=x>.npz", folder, **TINY | {"preset": "projection"})
    found = reported(folder)
    plain = "".join(found.text.split())
    assert "".join(EVIL.split()) + "$x^$" in plain
    assert "{{verdict}}&<b>" in plain
    assert "AGANtrainedon{{title}}<imgsrc=x>.npz" in plain
    assert "<i>$run$" in found.text
    assert "\x1b" not in found.text
    assert "\u202e" not in found.text
    assert "c" * 60 not in found.text  # too long a name is cut off
    assert not {tag for tag, _ in found.tags} & {"script", "b", "i"}
    assert len(found.images()) == 1 + 3 * contents.COMPARED


def test_where_the_data_is_gone_the_report_says_so(trained, tmp_path, monkeypatch):
    monkeypatch.setenv("SCUMBLE_HOME", str(tmp_path / "another"))
    found = reported(trained)
    assert "no longer prepared on this machine; given as DATA, they are looked at again" in found.text
    assert "How good it" not in found.text
    assert "copied" not in found.text
    assert "What it draws" in found.text
    assert (trained / "report.png").exists()
    found = reported(trained, tmp_path / "x.npz")
    assert "How good it is" in found.text
    assert "no longer" not in found.text


def test_other_pictures_than_those_of_the_training_are_named(trained, tmp_path):
    found = reported(trained, arrays(tmp_path / "y.npz", 80, seed=1))
    assert "y.npz is not what it was trained on, or has other labels" in found.text
    assert "How good it is" in found.text


def test_what_was_measured_in_training_stands_where_nothing_can_be_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(best_model, "PICTURES", 40)
    scumble.train(arrays(tmp_path / "x.npz", 80), tmp_path / "run", evaluate_every=160, **TINY)
    monkeypatch.setenv("SCUMBLE_HOME", str(tmp_path / "another"))
    found = reported(tmp_path / "run")
    assert "How good it was" in found.text
    assert "Measured in the training, at 320 images, by pocket." in found.text
    assert any("verdict" in (attributes.get("class") or "") for _, attributes in found.tags)


def test_an_unfinished_run_and_one_without_checkpoints_have_reports(trained):
    settings = json.loads((trained / "settings.json").read_text())
    settings["settings"]["images"] = 10_000
    (trained / "settings.json").write_text(json.dumps(settings))
    assert "unfinished: 320 of 10,000 images" in reported(trained).text
    shutil.rmtree(trained / "checkpoints")
    (trained / "metrics.jsonl").unlink()
    found = reported(trained)
    assert "Samples: " in found.text
    assert "There are no figures of the training yet." in found.text
    assert found.images() == []


def test_figures_for_which_there_are_too_few_pictures_are_left_out(tmp_path):
    scumble.train(arrays(tmp_path / "x.npz", 18), tmp_path / "run", **TINY)
    found = reported(tmp_path / "run")
    assert "Fréchet" not in found.text
    assert "recall" in found.text
    assert "Is anything copied?" in found.text


def test_warnings_of_the_training_are_told_once(trained):
    run_ = Run(trained)
    for images in (200, 300):
        run_.add_metrics({"images": images, "lead": 9.0, "warnings": ["<b>bad</b>; what usually helps: --augment"]})
    found = reported(trained)
    assert found.text.count("<b>bad</b>") == 1
    assert "at 200 images: <b>bad</b>" in found.text
    assert "--augment" not in found.text


@pytest.mark.parametrize("shape", [(16, 24), (24, 16)])
def test_oblong_pictures_and_many_channels_fit(shape, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (60, *shape, 4), dtype=np.uint8)
    np.savez(tmp_path / "x.npz", x=pixels)
    scumble.train(tmp_path / "x.npz", tmp_path / "run", channels=4, **TINY)
    found = reported(tmp_path / "run")
    assert "wanted 1 for grey or 3 for colour" in found.text
    assert len(found.images()) == 1
    drawn = poster.poster(returned(gather(tmp_path / "run", None, "cpu")))
    assert (drawn.shape, drawn.dtype) == ((1753, 1240, 3), np.uint8)


def test_what_is_refused(trained, tmp_path):
    with pytest.raises(RunError, match="is no run"):
        scumble.report(tmp_path / "nothing")
    with pytest.raises(SettingsError, match=r"ends in '\.pdf'; wanted one of \.html"):
        scumble.report(trained, output=tmp_path / "report.pdf")
    with pytest.raises(DataError, match="does not exist"):
        scumble.report(trained, tmp_path / "nowhere")
    for name in ("mine.html", "mine.png"):
        (tmp_path / name).write_text("mine")
        with pytest.raises(ImageError, match="not made by scumble"):
            scumble.report(trained, output=tmp_path / name)
        scumble.report(trained, output=tmp_path / name, overwrite=True)
        scumble.report(trained, output=tmp_path / name)  # is ours now


def test_the_command_writes_both_and_tells_the_verdict(trained, capsys):
    assert run("gan", "report", str(trained), "--json") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [Path(event["path"]).name for event in events if event["event"] == "saved"] == ["report.html", "report.png"]
    assert events[-1]["verdict"].keys() == {"kind", "text"}
    assert 0 <= events[-1]["recall"] <= 1
