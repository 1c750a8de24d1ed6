"""PNG files: their size, and the same picture in at most 256 colours, which takes a third of the bytes."""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Final

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CHANNELS: Final = {2: 3, 6: 4}  # of the kinds of colour that a browser writes, 8 bits each


def size(png: bytes) -> tuple[int, int]:
    """Width and height."""
    assert png.startswith(SIGNATURE)
    width, height = struct.unpack(">II", dict(_chunks(png))[b"IHDR"][:8])
    return width, height


def with_palette(png: bytes) -> bytes:
    """The picture in its most frequent colours; each of the others becomes the nearest of these."""
    chunks = list(_chunks(png))
    width, height = size(png)
    depth, kind, _, _, interlaced = dict(chunks)[b"IHDR"][8:]
    assert (depth, interlaced) == (8, 0)
    data = zlib.decompress(b"".join(body for name, body in chunks if name == b"IDAT"))
    lines = list(_lines(data, width, _CHANNELS[kind]))
    counts = Counter(colour for line in lines for colour in line)
    palette = [colour for colour, _ in counts.most_common(256)]
    at = {colour: min(range(len(palette)), key=lambda n: _distance(palette[n], colour)) for colour in counts}
    packed = zlib.compress(b"".join(b"\0" + bytes(at[colour] for colour in line) for line in lines), 9)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", header), (b"PLTE", b"".join(map(bytes, palette))), (b"IDAT", packed), (b"IEND", b""))
    return SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    start = len(SIGNATURE)
    while start < len(png):
        length = int.from_bytes(png[start : start + 4], "big")
        yield png[start + 4 : start + 8], png[start + 8 : start + 8 + length]
        start += 12 + length


def _lines(data: bytes, width: int, step: int) -> Iterator[list[tuple[int, ...]]]:
    """Undo the filter of each line (PNG specification, "Filtering"); give its opaque colours."""
    stride = width * step
    above = bytearray(stride)
    for start in range(0, len(data), stride + 1):
        kind, line = data[start], bytearray(data[start + 1 : start + 1 + stride])
        for at in range(stride) if kind else ():
            left, corner = (line[at - step], above[at - step]) if at >= step else (0, 0)
            line[at] = (line[at] + _predicted(kind, left, above[at], corner)) & 255
        yield list(zip(*(line[channel::step] for channel in range(3)), strict=True))
        above = line


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    if kind < 4:
        return (0, left, up, (left + up) // 2)[kind]
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))


def _distance(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
