"""The commands `scumble gan ...`, by topic: training and its run, what the networks draw, what they are worth."""

from cyclopts import App

from scumble.cli import pages
from scumble.cli.gan import draw, measure, train

app = App(name="gan", help_flags=pages.FLAGS)
app.command(train.train, help_formatter=pages.Page("gan train"))
for command in (
    train.check,
    train.presets,
    train.plot,
    train.film,
    draw.sample,
    draw.interpolate,
    draw.arithmetic,
    draw.project,
    draw.export,
    measure.evaluate,
    measure.nearest,
    measure.features,
    measure.classify,
    measure.label,
):
    app.command(command)
app.command(measure.report_, name="report")  # in there, `report` is the module that prints
