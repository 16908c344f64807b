# SPDX-License-Identifier: Apache-2.0
"""Random changes to inputs that a reader reads well."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

__all__ = ["mutated"]

_WORDS = (
    *(b"-1", b"0", b"1e999", b"-1e999", b"NaN", b"Infinity", b"null", b"true", b"[]", b"{}", b'""', b"'"),
    *(
        b"9" * 30,
        b"9" * 5000,
        b"-9223372036854775809",
        b"4294967296",
        b"1.5",
        b"a*1000000000",
        b"_*16384",
        b"L*9999999",
    ),
    *(b"\\ud800", b"\\u0000", b"\xff\xfe", b"\xc2\x80", b"\xef\xbb\xbf", b"\x00", b"\x1b]0;x\x07", b"\xe2\x80\xae"),
    *(
        b"&a",
        b"*a",
        b"!!python/object",
        b"<<: *a",
        b"? [x]\n: y",
        b"|",
        b">-",
        b"---\n",
        b"...",
        b"%YAML 9.9",
        b"\t",
        b"# ",
    ),
    *(b"$x", b"${x}", b"$x.y", b"for-each: {x: [1, 2]}", b"[" * 100, b"{" * 100, b"- " * 100, b"a: " * 40),
    *(b"steps: []", b"expect: unchanged", b"map: a", b"locked: L", b"range: ^", b"\n", b",", b":", b'"trace":[', b"]}"),
)
_LARGEST = 1 << 17  # bytes


def mutated(random: Random, seeds: list[bytes]) -> bytes:
    """Return a seed with some random changes."""
    made = bytearray(random.choice(seeds))
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        _change(random, made, seeds)
    return bytes(made[:_LARGEST])


def _change(random: Random, made: bytearray, seeds: list[bytes]) -> None:
    at = random.randint(0, len(made))
    end = min(len(made), at + random.choice((1, 2, 4, 16, 64, 1024)))
    match random.randint(0, 8):
        case 0 if made:
            made[at % len(made)] ^= 1 << random.randint(0, 7)
        case 1:
            made[at:at] = random.randbytes(random.choice((1, 2, 4, 16)))
        case 2:
            del made[at:end]
        case 3:
            made[at:at] = made[at:end] * random.choice((1, 2, 50))
        case 4 | 5:
            made[at:end] = random.choice(_WORDS)
        case 6:
            _replace_word(random, made)
        case 7:
            other = random.choice(seeds)
            start = random.randint(0, len(other))
            made[at:end] = other[start : start + random.choice((4, 32, 256))]
        case _:
            _swap_lines(random, made)


def _replace_word(random: Random, made: bytearray) -> None:
    """Put a word of ours in place of one between two separators."""
    separators = b' ,:[]{}\n"'
    places = [place for place, byte in enumerate(made[: 1 << 12]) if byte in separators]
    if len(places) > 1:
        first = random.randrange(len(places) - 1)
        made[places[first] + 1 : places[first + 1]] = random.choice(_WORDS)


def _swap_lines(random: Random, made: bytearray) -> None:
    lines = bytes(made).split(b"\n")
    first, second = random.randrange(len(lines)), random.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    made[:] = b"\n".join(lines)
