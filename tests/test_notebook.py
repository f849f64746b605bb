"""What a notebook shows of a job: against a kernel made up for it, and, where one is installed, a real one."""

import importlib.util
import subprocess
import sys
from types import SimpleNamespace

import pytest
from PIL import Image

import scumble
from conftest import photograph
from scumble import notebook
from scumble.events import Finished, Noted, Preview, Progress, Started, Warned, returned


class Display:
    """Collects what is displayed, as IPython's `display` would show it."""

    def __init__(self):
        self.places: list[list[dict[str, str]]] = []

    def __call__(self, bundle, raw, display_id):
        assert raw
        assert display_id
        place = [bundle]
        self.places.append(place)
        return SimpleNamespace(update=lambda bundle, raw: place.append(bundle))


@pytest.fixture
def display(monkeypatch) -> Display:
    display = Display()
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    monkeypatch.setattr(notebook, "SECONDS_BETWEEN_UPDATES", -1.0)
    return display


def job(picture: Image.Image):
    yield Noted("float32 on the CPU")
    yield Started("paint", 4, "evaluations")
    for done in range(1, 5):
        yield Progress("paint", done, 4, 12.5 / done)
        yield Preview(done, picture)
    yield Warned("a <b> is not what it was")
    yield Finished("paint", [], 1.0, picture, {})
    return "done"


def test_a_job_is_shown_in_one_place(display):
    assert returned(notebook.shown(job(photograph()))) == "done"
    (shown,) = display.places
    lines = [bundle["text/plain"] for bundle in shown]
    assert any(line.startswith("paint: 2 of 4 evaluations, loss 6.25, about ") for line in lines)
    assert any('<progress value="2" max="4">' in bundle["text/html"] for bundle in shown)
    assert any('<img src="data:image/jpeg;base64,' in bundle["text/html"] for bundle in shown)
    last = shown[-1]
    assert last["text/plain"].startswith("paint: ")
    assert last["text/plain"].endswith("s\na <b> is not what it was")
    assert "a &lt;b&gt; is not" in last["text/html"]
    assert "<img" not in last["text/html"]
    assert "<progress" not in last["text/html"]


def test_the_picture_stays_where_that_is_wanted(display):
    returned(notebook.shown(job(photograph()), keep=True))
    assert "<img" in display.places[0][-1]["text/html"]


def test_a_job_that_is_stopped_is_closed_and_says_so(display):
    closed = []

    def events():
        try:
            yield from job(photograph())
        finally:
            closed.append(True)

    shown = notebook.shown(events())
    for event in shown:
        if isinstance(event, Progress):
            break
    shown.close()
    assert closed
    assert display.places[0][-1]["text/plain"].startswith("stopped: ")


def test_figures_of_a_training_are_shown(display):
    def events():
        yield Started("train", 64, "images")
        yield Progress("train", 32, 64, terms={"d_real": 0.75})

    for _ in notebook.shown(events()):
        pass
    assert any("train: 32 of 64 images, d real 0.75" in bundle["text/plain"] for bundle in display.places[0])


def test_nothing_is_shown_elsewhere(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert not notebook.is_running()
    assert returned(notebook.shown(job(photograph()))) == "done"
    for shell in (None, SimpleNamespace()):  # no shell; that of a terminal
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda shell=shell: shell))
        assert not notebook.is_running()


def test_painting_shows_itself(display, content_file, style_file):
    picture = scumble.stylize(content_file, style_file, size=48, steps=3)
    assert picture.size == (48, 40)
    (shown,) = display.places
    assert any("evaluations, loss" in bundle["text/plain"] for bundle in shown)
    assert any("<img" in bundle["text/html"] for bundle in shown)


def test_everything_that_runs_a_job_shows_it(display, tmp_path, content_file, style_file):
    gan = scumble.train("digits", tmp_path / "run", images=64, width=4, size=16, flip="no", grids=1)
    assert "<img" in display.places[0][-1]["text/html"]
    scumble.evaluate(tmp_path / "run", "digits", pictures=300, measures=["neighbours"])
    scumble.compare([content_file], content_file, style_file, network="pocket")
    assert len(display.places) == 3
    samples = gan.sample(range(3))
    assert samples._repr_png_() == gan.sample(range(3))._repr_png_()
    assert repr(gan) == "<GAN of grey pictures of 16 x 16 pixels: preset sndcgan, trained on digits for 64 images>"


def test_importing_needs_no_notebook():
    script = "import sys, scumble, scumble.notebook; assert not {'IPython', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_a_real_kernel_shows_a_painting_and_a_list_of_samples(content_file, style_file, tmp_path):
    for name in ("nbclient", "nbformat", "ipykernel"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"needs {name}, which is not installed")
    import nbclient
    import nbformat

    run = str(tmp_path / "run")
    cells = [
        "import scumble",
        f"scumble.stylize({str(content_file)!r}, {str(style_file)!r}, size=48, steps=3)",
        f"gan = scumble.train('digits', {run!r}, images=64, width=4, size=16, flip='no', grids=1)\ngan",
        "gan.sample(range(3))",
    ]
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(made, timeout=250, kernel_name="python3").execute()
    painted, trained, samples = (cell.outputs for cell in made.cells[1:])
    assert "stylize: " in painted[0].data["text/plain"]
    assert "image/png" in painted[-1].data
    assert "<img" in trained[0].data["text/html"]
    assert trained[-1].data["text/plain"].startswith("<GAN of grey pictures")
    assert "image/png" in samples[-1].data
