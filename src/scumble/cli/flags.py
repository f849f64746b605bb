"""Flags that several commands have, written once."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

Switch = Annotated[bool, Parameter(negative="", show_default=False)]
Json = Annotated[Switch, Parameter(help="print one event a line, as JSON")]
JsonLine = Annotated[Switch, Parameter(help="print one line of JSON")]
Quiet = Annotated[Switch, Parameter(alias="-q", help="print nothing but the names of the results")]
Verbose = Annotated[Switch, Parameter(alias="-v", help="show the loss, and each scale that is worked at")]
Overwrite = Annotated[Switch, Parameter(help="write over files that are there and that scumble has not made")]
Output = Annotated[Path | None, Parameter(alias="-o")]
OutputFile = Annotated[Path, Parameter(alias="-o")]
OfClass = Annotated[str | None, Parameter(name="--class")]
Device = Annotated[str, Parameter(help="auto, cpu, cuda, cuda:N or mps")]
