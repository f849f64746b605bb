"""Headers of .npy files, against what the files hold."""

import io

import numpy as np
import pytest

from scumble.data import npy


def with_shape(shape: str, descr: str = "|u1", data: bytes = bytes(128)) -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + data


@pytest.mark.parametrize("way", [np.lib.format.write_array_header_1_0, np.lib.format.write_array_header_2_0])
def test_an_array_comes_as_it_was_written_and_is_not_writeable(tmp_path, way):
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    made = io.BytesIO()
    way(made, np.lib.format.header_data_from_array_1_0(values))
    (tmp_path / "a.npy").write_bytes(made.getvalue() + values.tobytes())
    found = npy.mapped(tmp_path / "a.npy")
    assert np.array_equal(found, values)
    assert not found.flags.writeable


@pytest.mark.filterwarnings("error")
def test_what_python_thinks_of_a_header_reaches_nobody(tmp_path):
    (tmp_path / "a.npy").write_bytes(with_shape("(16,)", r"|u1', '\e': '0"))
    with pytest.raises(ValueError, match="header is damaged"):
        npy.mapped(tmp_path / "a.npy")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        with_shape("(129,)"),
        with_shape("(18446744073709551616, 1)"),
        with_shape("(4294967296, 4294967296)"),  # whose product fits into no 64 bits
        with_shape("(0, 8)"),
        with_shape("(0, 18446744073709551616)"),
        with_shape("(-1, 8)"),
        with_shape("(-2, -8)"),
        with_shape("(16,)", "<c16", bytes(100)),
        with_shape("(2,)", "|O"),
        with_shape("(((((((("),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_claims_more_than_there_is_or_is_no_array_is_one_error(tmp_path, data):
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.npy is|[Pp]ython objects|mapped"):
        npy.mapped(tmp_path / "a.npy")
