#!/usr/bin/env bash
# Everything that wants a GPU, in eight minutes, on a machine that may have little more than Python and torch:
#
#     [PYTHON=python3] [WHEELS=DIRECTORY] recipes/gpu.sh [FOLDER] [--data DATA] [--short]
#
# FOLDER receives the results (default: $OUT, else build/gpu); recipes/gpu.py tells which, and takes more flags. WHEELS
# is a directory of wheels of the packages that are missing: they are installed without an index, for this run alone.
set -euo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-python3}
path=$home/src
if [ -n "${WHEELS:-}" ]; then
    packages=$(mktemp -d)
    trap 'rm -rf "$packages"' EXIT
    "$python" -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-compile \
        --no-index --no-deps --target "$packages" "$WHEELS"/*.whl
    path=$path:$packages
fi
PYTHONUNBUFFERED=1 PYTHONPATH=$path${PYTHONPATH:+:$PYTHONPATH} "$python" "$home/recipes/gpu.py" "$@"
