"""Labels for pictures: sorted, probable, and without the unreadable."""

import csv

import pytest
from PIL import Image

from gan_material import HALVES, halves_of_noise
from scumble import Classifier
from scumble.cli import app

pytestmark = pytest.mark.usefixtures("one_thread", "one_c")


def command(*words: object) -> int:
    with pytest.raises(SystemExit) as exit_:
        app.main(["gan", *map(str, words)])
    return int(exit_.value.code or 0)


def test_pictures_are_labelled_sorted_and_the_unreadable_left_out(halves_run, halves, tmp_path, capsys):
    assert command("classify", halves_run, halves, "--labelled", "3", "--draws", "2", "--supervised-steps", "1") == 0
    assert "discriminator" in capsys.readouterr().out
    x, _ = halves_of_noise(6, 9)
    (tmp_path / "new").mkdir()
    for number, pixels in enumerate(x):
        Image.fromarray(pixels).resize((32, 32) if number == 5 else (16, 16)).save(tmp_path / "new" / f"{number}.png")
    (tmp_path / "new" / "broken.png").write_bytes(b"no picture")
    out = tmp_path / "labels.csv"
    assert command("label", tmp_path / "new", "--classifier", halves_run / "classifier", "-o", out) == 0
    told = capsys.readouterr().err
    assert "1 pictures cannot be read" in told
    assert "1 pictures are not 16x16" in told
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert sorted(row["picture"] for row in rows) == [f"{number}.png" for number in range(6)]
    order = [(HALVES.index(row["class"]), -float(row["probability"])) for row in rows]
    assert order == sorted(order)
    classifier = Classifier.from_pretrained(halves_run / "classifier")
    for row in rows:
        probabilities = classifier.probabilities([tmp_path / "new" / row["picture"]])[0]
        assert [float(row[f"probability of {name}"]) for name in HALVES] == pytest.approx(
            probabilities.tolist(), abs=1e-3
        )
        assert float(row["probability"]) == max(float(row[f"probability of {name}"]) for name in HALVES)
    again = ["label", tmp_path / "new", "--classifier", halves_run / "classifier", "-o", out]
    assert command(*again) == 0
    out.write_text("picture,price\n")
    assert command(*again) == 1
    assert out.read_text() == "picture,price\n"
    assert command(*again, "--overwrite") == 0
    assert "probability" in out.read_text()


def test_where_nothing_can_be_labelled_it_fails_and_writes_nothing(halves_run, halves, tmp_path, capsys):
    assert command("classify", halves_run, halves, "--labelled", "3", "--draws", "2", "--supervised-steps", "1") == 0
    (tmp_path / "new").mkdir()
    for number in range(3):
        (tmp_path / "new" / f"{number}.png").write_bytes(b"no picture")
    capsys.readouterr()
    out = tmp_path / "labels.csv"
    assert command("label", tmp_path / "new", "--classifier", halves_run / "classifier", "-o", out) == 1
    assert "none of the pictures of new can be read, the first: 0.png" in capsys.readouterr().err
    assert not out.exists()
