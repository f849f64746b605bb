"""The program as its users meet it: in a process of its own, by its output and its exit code."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from conftest import photograph, run
from scumble import paths
from scumble.cli import commands as program
from scumble.events import Progress, as_json
from scumble.image import recipe
from scumble.perceptual.catalogue import CATALOGUE, POCKET_FILE


def scumble(*arguments: object, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scumble.cli.app", *map(str, arguments)],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=200,
    )


def failed_in_one_line(done: subprocess.CompletedProcess[str], code: int, message: str) -> None:
    assert done.returncode == code, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("scumble: ")
    assert message in last
    assert "Traceback" not in done.stderr


@pytest.fixture
def folder(tmp_path, content_file, style_file) -> Path:
    """A folder with content.png and style.png."""
    return tmp_path


def test_a_picture_is_painted_and_named_on_stdout(folder):
    done = scumble(
        "stylize",
        "content.png",
        "style.png",
        "--size",
        32,
        "--steps",
        2,
        "-v",
        folder=folder,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "content-style.png\n"
    assert "evaluations 2" in done.stderr
    assert "loss" in done.stderr
    with Image.open(folder / "content-style.png") as picture:
        assert picture.size == (32, 27)


def test_a_batch_with_a_bad_file_paints_the_others_and_fails(folder):
    (folder / "bad.png").write_bytes(b"no picture")
    done = scumble(
        "batch", "content.png", "bad.png", "--style", "style.png", "-o", "all",
        "--size", 32, "--steps", 1, "--backbone", "pocket", folder=folder,
    )  # fmt: skip
    assert done.returncode == 1
    assert sorted(path.name for path in (folder / "all").iterdir()) == ["contact.jpg", "content-style.png"]
    assert done.stdout == "all/content-style.png\nall/contact.jpg\n"
    assert done.stderr.splitlines()[-1].startswith("scumble: 1 of 2 pictures failed: bad-style.png")
    assert "2 pictures: 1 painted, 0 there already, 1 failed" in done.stderr


def test_json_is_one_event_a_line(folder):
    done = scumble(
        "stylize", "content.png", "style.png", "-o", "out.png", "--json",
        "--size", 32, "--steps", 3, "--backbone", "pocket", folder=folder,
    )  # fmt: skip
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events] == [
        *["noted"] * 3,
        "planned",
        "started",
        *["progress"] * 3,
        "saved",
        "finished",
    ]
    assert events[-1]["outputs"] == ["out.png"]
    assert events[-1]["evaluations"] == 3
    assert {"loss", "seconds", "terms"} <= events[-1].keys()
    assert done.stderr == ""


def test_a_recipe_is_shown_and_repeated_and_flags_win(folder):
    make = ("stylize", "content.png", "style.png", "--backbone", "pocket", "-q")
    scumble(*make, "-o", "one.png", "--size", 32, "--steps", 2, "--init", "noise", folder=folder)
    shown = scumble("info", "one.png", folder=folder).stdout
    told = "content in the style of style: preset quick with steps 2 and init noise, 32 x 27 pixels\n"
    assert shown == told
    shown = scumble("info", "one.png", "--all", folder=folder).stdout
    assert shown.startswith(told)
    assert "settings init" in shown
    assert json.loads(scumble("info", "one.png", "--json", folder=folder).stdout) == recipe.read(folder / "one.png")

    done = scumble(*make, "-o", "two.png", "--recipe", "one.png", folder=folder)
    assert done.stdout == "two.png\n"
    assert done.stderr == ""
    assert (folder / "two.png").read_bytes() == (folder / "one.png").read_bytes()
    scumble(*make, "-o", "three.png", "--recipe", "one.png", "--steps", 1, folder=folder)
    settings = recipe.read(folder / "three.png")["settings"]
    assert (settings["steps"], settings["size"], settings["init"]) == (1, 32, "noise")


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_job_keeps_the_picture_so_far(folder, end):
    arguments = "stylize content.png style.png -o out.png --json --size 32 --steps 100000 --backbone pocket"
    process = subprocess.Popen(
        [sys.executable, "-m", "scumble.cli.app", *arguments.split()],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever starts the tests in a shell's background has them ignore Ctrl-C, and all their children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    for line in process.stdout:
        if '"progress"' in line:
            break
    process.send_signal(end)
    rest, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    last = json.loads(rest.splitlines()[-1])
    assert (last["event"], last["outputs"]) == ("stopped", ["out.png"])
    assert recipe.read(folder / "out.png")["result"]["evaluations"] >= 1


def test_without_weights_and_network_it_says_what_to_do(folder):
    done = scumble("stylize", "content.png", "style.png", "--preset", "fine", folder=folder)
    failed_in_one_line(done, 1, "put vgg19-d01eb7cb.pth into a folder that SCUMBLE_WEIGHTS names")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["none.png", "style.png"], 1, "none.png does not exist"),
        (["content.png", "."], 1, ". is a folder"),
        (["text.png", "style.png"], 1, "text.png is not a picture"),
        (["content.png", "style.png", "-o", "none/out.png"], 1, "output folder none does not exist"),
        (["content.png", "style.png", "-o", "content.png"], 1, "is also an input"),
        (["content.png", "style.png", "-o", "out.doc"], 2, "wanted one of .png"),
        (["content.png", "style.png", "--steps", "0"], 2, "steps: got '0', wanted a whole number from 1 to"),
        (["content.png", "style.png", "--size", "-5"], 2, "size: got '-5'"),
        (["content.png", "style.png", "--preset", "impasto"], 2, "preset: got 'impasto', wanted 'quick'"),
        (["content.png", "style.png", "--style-layers.relu9_1", "1"], 2, "layer: got 'relu9_1'"),
        (["content.png", "style.png", "--weights", "none.pth"], 1, "there is no weights file none.pth"),
        (["content.png", "style.png", "--recipe", "content.png"], 1, "content.png holds no recipe"),
        (["content.png", "style.png", "--sise", "3"], 2, "--size"),
        (["content.png"], 2, "got content.png alone, wanted a photograph and a painting"),
    ],
)
def test_bad_input_gets_one_line_and_leaves_nothing(folder, arguments, code, message):
    (folder / "text.png").write_text("no picture")
    before = sorted(path.name for path in folder.iterdir())
    failed_in_one_line(scumble("stylize", *arguments, folder=folder), code, message)
    assert sorted(path.name for path in folder.iterdir()) == before


def test_failures_are_json_too(folder):
    done = scumble("stylize", "none.png", "style.png", "--json", folder=folder)
    assert json.loads(done.stdout.splitlines()[-1])["event"] == "failed"
    assert done.returncode == 1


@pytest.mark.parametrize("arguments", [["--size", "0"], ["--frob", "1"], ["--recipe", "content.png"]])
def test_failures_before_the_job_are_json_too(folder, arguments):
    done = scumble("stylize", "content.png", "style.png", "--json", *arguments, folder=folder)
    assert json.loads(done.stdout.splitlines()[-1])["exit_code"] == done.returncode > 0


def test_the_repeated_picture_is_not_overwritten(folder):
    make = ("stylize", "content.png", "style.png", "--backbone", "pocket", "--size", 32, "--steps", 1)
    scumble(*make, "-o", "one.png", folder=folder)
    before = (folder / "one.png").read_bytes()
    for output in (["-o", "one.png"], ["-o", "two.png", "--preview", "one.png"]):
        failed_in_one_line(scumble(*make, "--recipe", "one.png", *output, folder=folder), 1, "is also an input")
    assert (folder / "one.png").read_bytes() == before


def test_16_bits_from_the_command_line(folder):
    make = ("stylize", "content.png", "style.png", "--backbone", "pocket", "--size", 32, "--steps", 1)
    done = scumble(*make, "--bits", 16, "-o", "deep.png", folder=folder)
    assert done.stdout == "deep.png\n", done.stderr
    assert (folder / "deep.png").read_bytes()[24] == 16  # the bit depth in a PNG's header


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["stylize", "a", "b", "--save-every", "x"], "save-every: got 'x', wanted a whole number"),
        (["gan", "film", "r", "--seconds", "x"], "seconds: got 'x', wanted a number"),
        (["batch", "a", "--format", "gif"], "format: got 'gif', wanted 'png', 'jpg', 'webp' or 'tif'"),
        (["batch", "a", "--recursive=3"], "recursive: got '3', wanted true or false"),
    ],
)
def test_flags_that_are_no_settings_are_refused_in_the_same_words(capsys, arguments, message):
    assert run(*arguments) == 2
    assert capsys.readouterr().err == f"scumble: {message}\n"


def test_strange_names_stay_on_one_line(folder):
    failed_in_one_line(
        scumble("stylize", "a\nb\x1b[31m.png", "style.png", folder=folder), 1, "a?b?[31m.png does not exist"
    )


def test_a_full_standard_output_is_told(folder):
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "scumble.cli.app", "models", "remove", "vgg19"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    failed_in_one_line(done, 1, "standard output cannot be written to: No space left on device")


def test_models_are_listed_and_removed(folder):
    listed = scumble("models", folder=folder)
    assert "vgg19-caffe" in listed.stdout
    assert "not here" in listed.stdout
    assert "nothing of vgg19 is in the cache" in scumble("models", "remove", "vgg19", folder=folder).stdout
    assert "nothing of pocket is in the cache" in scumble("models", "remove", "pocket", folder=folder).stdout
    assert scumble("models", "fetch", "pocket", folder=folder).stdout.endswith(f"{POCKET_FILE.name}\n")
    failed_in_one_line(scumble("models", "fetch", "vgg19", folder=folder), 1, "SCUMBLE_OFFLINE")
    failed_in_one_line(
        scumble("models", "fetch", "vgg20", folder=folder), 2, "wanted one of pocket, vgg19-caffe, vgg19"
    )


def test_events_with_numbers_that_are_not_finite_are_still_json():
    event = Progress("stylize", 1, 2, float("nan"), {"content relu4_2": float("inf")})
    assert as_json(event) | {"loss": 0} == {
        "event": "progress", "job": "stylize", "done": 1, "total": 2, "loss": 0, "terms": {"content relu4_2": None}
    }  # fmt: skip
    assert as_json(event)["loss"] is None


def commands(app: App, way: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], App]]:
    """Every command that does something, with its name."""
    if app.default_command is not None:
        yield way, app
    for name in app:
        if not name.startswith("-"):
            yield from commands(app[name], (*way, name))


def test_every_command_can_tell_its_events_in_json():
    flags = {
        way: {flag for argument in app.assemble_argument_collection() for flag in argument.names}
        for way, app in commands(program.app)
    }
    assert {("stylize",), ("models",), ("models", "fetch"), ("gan", "train"), ("gan", "plot")} <= flags.keys()
    assert [way for way, names in flags.items() if "--json" not in names] == []


def test_tables_are_whole_in_a_pipe(folder):
    done = scumble("models", folder=folder, COLUMNS="40")
    assert "Simonyan and Zisserman 2015: the network of the style transfer papers" in done.stdout


def test_models_are_told_in_json(capsys):
    assert run("models", "--json") == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)["models"]] == list(CATALOGUE)
    assert run("models", "fetch", "pocket", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"event": "saved", "path": str(POCKET_FILE)}
    kept = paths.weights_cache() / "vgg19-00000000.safetensors"
    paths.weights_cache().mkdir(parents=True)
    kept.write_bytes(b"")
    assert run("models", "remove", "vgg19", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"removed": [str(kept)]}


def test_info_tells_about_the_machine(folder):
    done = scumble("info", "--json", folder=folder)
    found = json.loads(done.stdout)["weights"]
    assert found.pop("pocket").endswith(POCKET_FILE.name)
    assert found == {"vgg19-caffe": "not here", "vgg19": "not here", "inception": "not here"}


WAITS, OF_NUMPY = "GOMP_SPINCOUNT", "OPENBLAS_NUM_THREADS"


@pytest.mark.parametrize(
    ("command", "given", "name", "expected"),
    [
        (["--version"], {}, WAITS, "300"),
        (["gan", "train", "--help"], {}, WAITS, "3000"),
        (["--version"], {WAITS: "7"}, WAITS, "7"),
        (["--version"], {"OMP_WAIT_POLICY": "ACTIVE"}, WAITS, "None"),
        (["stylize", "--help"], {}, OF_NUMPY, "1"),
        (["stylize", "--help"], {OF_NUMPY: "3"}, OF_NUMPY, "3"),
        (["gan", "evaluate", "--help"], {}, OF_NUMPY, "None"),
    ],
)
def test_waiting_threads_leave_the_cores_to_others_unless_told_otherwise(folder, command, given, name, expected):
    script = f"import os, scumble.cli.app as app\ntry: app.main({command})\nfinally: print(os.environ.get('{name}'))"
    environment = {name: value for name, value in os.environ.items() if name not in (WAITS, OF_NUMPY)} | given
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split()[-1] == expected


def test_help_is_quick(folder):
    def seconds(*command: str) -> float:
        begin = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, cwd=folder, timeout=100)
        return time.perf_counter() - begin

    # No absolute time, the machine may be busy: far quicker than importing torch alone.
    helping = min(seconds(sys.executable, "-m", "scumble.cli.app", "--help") for _ in range(2))
    assert helping < seconds(sys.executable, "-c", "import torch")


def test_photographs_of_phones_come_out_upright(folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    photograph(60, 40).save(folder / "phone.jpg", exif=exif)
    scumble(
        "stylize",
        "phone.jpg",
        "style.png",
        "-o",
        "o.png",
        "--size",
        48,
        "--steps",
        1,
        "--backbone",
        "pocket",
        folder=folder,
    )
    with Image.open(folder / "o.png") as picture:
        assert picture.size == (32, 48)


def test_several_styles_with_masks_and_scales(folder):
    for number, side in ((1, 0), (2, 1)):
        mask = Image.new("L", (2, 2), 0)
        mask.paste(255, (side, 0, side + 1, 2))
        with Image.open(folder / "content.png") as content:
            mask.resize(content.size, Image.Resampling.NEAREST).save(folder / f"mask{number}.png")
    flags = ["--preset", "fine", "--size", 48, "--steps", 2, "--scales", 2, "--backbone", "pocket"]
    flags += ["--style-scale", 1, "--style-scale", 0.9, "--colour", "match", "--verbose"]
    masks = ["--mask", "mask1.png", "--mask", "mask2.png"]
    done = scumble("stylize", "content.png", "style.png", "content.png", *masks, *flags, "-o", "o.png", folder=folder)
    assert done.returncode == 0, done.stderr
    assert "2 of 2" in done.stderr
    made = recipe.read(folder / "o.png")
    assert made["settings"]["style_scale"] == [1, 0.9]
    assert set(made["inputs"]) == {"content", "style", "style 2", "mask", "mask 2", "weights", "weights instant"}
    done = scumble("stylize", "content.png", "style.png", *masks, *flags, folder=folder)
    failed_in_one_line(done, 2, "mask: got 2 for 1 style")
    shares = ["--shares", 2, "--shares", 1]
    done = scumble("stylize", "content.png", "style.png", "content.png", *shares, *flags, "-o", "s.png", folder=folder)
    assert done.returncode == 0, done.stderr
    assert recipe.read(folder / "s.png")["settings"]["shares"] == [2, 1]


def test_a_texture_and_its_recipe(folder):
    flags = ["--steps", 2, "--backbone", "pocket"]
    done = scumble("texture", "style.png", "--size", 48, "--aspect", 2, *flags, folder=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "style-texture.png\n"
    with Image.open(folder / "style-texture.png") as picture:
        assert picture.size == (48, 24)
    again = ["--recipe", "style-texture.png", "--backbone", "pocket", "-o", "again.png"]
    done = scumble("texture", "style.png", *again, folder=folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "again.png").read_bytes() == (folder / "style-texture.png").read_bytes()
    failed_in_one_line(scumble("texture", "no.png", folder=folder), 1, "no.png")
    failed_in_one_line(scumble("stylize", "content.png", "style.png", *again, folder=folder), 1, "'texture'")


def test_a_hyphen_is_told_to_be_no_file(capsys, tmp_path):
    assert run("stylize", "-", tmp_path / "a.png") == 2
    told = capsys.readouterr().err
    assert "standard input is not read" in told
    assert "/dev/stdin is one" in told


def with_recipe(path: Path, text: str) -> Path:
    """A picture with a recipe that anybody may have written."""
    info = PngInfo()
    info.add_itxt(recipe.KEYWORD, text)
    photograph(8, 8).save(path, pnginfo=info)
    return path


STRANGE = "\x1b[31mred\x1b]0;title\x07 a\rb \u202egnp.exe :100: [bold]"


def test_a_recipe_does_nothing_to_the_terminal(tmp_path, capsys):
    text = json.dumps({"format_version": 1, STRANGE: STRANGE, "list": [STRANGE]})
    assert run("info", with_recipe(tmp_path / "a.png", text), "--all") == 0
    shown = capsys.readouterr().out
    assert "\\x1b[31mred\\x1b]0;title\\x07 a\\rb \\u202egnp.exe :100: [bold]" in shown
    assert all(line.isprintable() for line in shown.splitlines())


def test_a_recipe_with_numbers_that_are_none_is_json_that_everybody_reads(tmp_path, capsys):
    def refuse(word: str) -> None:
        raise AssertionError(word)

    text = '{"format_version": 1, "result": {"loss": NaN, "terms": [Infinity, -Infinity, 1e999]}}'
    assert run("info", with_recipe(tmp_path / "a.png", text), "--json") == 0
    shown = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert shown["result"] == {"loss": None, "terms": [None, None, None]}
    assert run("info", tmp_path / "a.png") == 0


@pytest.mark.parametrize(
    "text",
    ["[]", "3", "null", "{", '{"format_version": "1"}', '{"format_version": NaN}', '{"a": 1}', "[" * 5000,
     '{"format_version": 1, "a": ' + "[" * 600 + "]" * 600 + "}"],
)  # fmt: skip
@pytest.mark.parametrize("json_flag", [[], ["--json"]])
def test_what_is_no_recipe_gets_one_line(tmp_path, capsys, text, json_flag):
    assert run("info", with_recipe(tmp_path / "a.png", text), *json_flag) == 1
    assert "holds no recipe" in capsys.readouterr().err


def test_names_with_what_looks_like_markup_are_shown_as_they_are(folder):
    name = "scan:100:[red]\x1b[2J.png"
    (folder / "content.png").rename(folder / name)
    make = ("batch", name, "--style", "style.png", "--size", 32, "--steps", 1, "-o", "all")
    done = scumble(*make, folder=folder)
    assert done.returncode == 0, done.stderr
    assert "painting scan:100:[red]\\x1b[2J.png in the style of style.png" in done.stderr
    painted, _ = done.stdout.splitlines()
    assert painted == "all/scan:100:[red]\x1b[2J-style.png"  # for programs, the name as it is
    shown = scumble("info", painted, folder=folder).stdout
    assert "scan:100:[red]\\x1b[2J in the style of style" in shown


def test_what_exists_is_written_over_only_when_asked(folder):
    make = ("stylize", "content.png", "style.png", "--size", 32, "--steps", 1)
    mine = b"a picture of mine"
    for given in (
        [],
        ["-o", "o.webp"],
        ["-o", "p.png", "--preview", "o.webp"],
        ["--timelapse", "o.webp", "-o", "p.png"],
    ):
        for name in ("content-style.png", "o.webp"):
            (folder / name).write_bytes(mine)
        failed_in_one_line(scumble(*make, *given, folder=folder), 1, "is there already, and not made by scumble")
        assert (folder / "o.webp").read_bytes() == (folder / "content-style.png").read_bytes() == mine
    done = scumble(*make, "--overwrite", folder=folder)
    assert done.stdout == "content-style.png\n", done.stderr
    done = scumble(*make, folder=folder)
    assert done.stdout == "content-style.png\n", done.stderr


def test_a_batch_of_folders_tells_what_it_does(folder):
    for name in ("photos/sea/a.png", "photos/b.png", "paintings/s.png", "paintings/t.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        photograph(48, 40, seed=len(name)).save(folder / name)
    (folder / "photos" / "notes.txt").touch()
    make = ("batch", "photos", "--style-mix", "paintings", "-o", "photos", "--size", 32, "--steps", 1)
    done = scumble(*make, folder=folder)
    assert done.stdout == "photos/b-paintings.png\nphotos/contact.jpg\n", done.stderr
    assert "1 folder passed over, --recursive goes into folders: sea" in done.stderr
    done = scumble(*make, "--recursive", folder=folder)
    assert done.stdout == "photos/sea/a-paintings.png\nphotos/contact.jpg\n", done.stderr
    assert "1 picture passed over, made by scumble, in the folder for the results: b-paintings.png" in done.stderr
    failed_in_one_line(scumble("batch", "photos", folder=folder), 2, "style: got none, wanted a painting")


def test_without_a_home_folder_the_machine_and_the_weights_are_told_all_the_same(folder):
    script = (
        "import os, pwd, sys\n"
        "def unknown(number): raise KeyError(number)\n"
        "pwd.getpwuid = unknown\n"
        "for name in ('HOME', 'SCUMBLE_HOME', 'TORCH_HOME', 'XDG_CACHE_HOME'): os.environ.pop(name, None)\n"
        "import scumble.cli.app as app; app.main(sys.argv[1:])"
    )
    for arguments in (["info"], ["models"], ["models", "remove", "vgg19"]):
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert list(folder.glob("~*")) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gan", "train", "", "--run", "r"], "argument 3 is empty"),
        (["gan", "train", "digits", "--run", ""], "what follows --run is empty"),
        (["gan", "train", "digits", "--run="], "--run is empty"),
        (["gan", "check", "  "], "argument 3 is empty"),
        (["stylize", "", "b.png"], "argument 2 is empty"),
    ],
)
def test_an_empty_argument_is_refused_and_never_the_current_folder(arguments, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
