"""Flags that several commands have, written once."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

Switch = Annotated[bool, Parameter(negative="")]
Quiet = Annotated[bool, Parameter(alias="-q", negative="")]
Output = Annotated[Path | None, Parameter(alias="-o")]
