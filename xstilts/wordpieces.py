"""Texts as word pieces without specials, and where in its text each piece stands.

What was read once is kept in the folder `wordpieces` of the cache under a hash of the texts and
the tokenizer, and mapped into memory from there: a grid reads it once, and its runs share the
pages. A file is plain int32 numbers, 4 bytes a piece (12 with places) and 4 a text. None is ever
removed; who wants the room back deletes the folder, at any time. `xstilts.text` reads running text.
"""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from zlib import crc32

import numpy as np
import tokenizers

from xstilts.files import replaced
from xstilts.paths import UserError, cache_dir

# Characters from which on texts are kept: reading so many takes a fifth of a second, four times
# what finding them takes, which is to write out and hash a tokenizer of 250,000 pieces.
WORTH = 1 << 18
AT_ONCE = 10_000  # texts; the library holds far more than 12 bytes a piece


def tokenise(texts: Iterable[str], tokenizer) -> dict[str, np.ndarray]:
    """Piece ids [n] of every text, int32; not to be written to, for they may lie in a file."""
    (ids,), places = _read(texts, tokenizer, 1)
    return {text: ids[place] for text, place in places}


def located(texts: Iterable[str], tokenizer) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """As `tokenise`, with the pieces' character bounds [n, 2] in the text."""
    table, places = _read(texts, tokenizer, 3)
    ids, bounds = table[0], table[1:].T
    return {text: (ids[place], bounds[place]) for text, place in places}


def _read(texts: Iterable[str], tokenizer, rows: int):
    """A table [rows, pieces] of ids (begins, ends), and which of its columns are whose."""
    texts = list(dict.fromkeys(texts))
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    read = _kept if sum(map(len, texts)) >= WORTH else _numbers
    try:
        numbers = read(texts, tokenizer.backend_tokenizer, rows)
    except (OSError, UserError):  # no room to keep them in
        numbers = _numbers(texts, tokenizer.backend_tokenizer, rows)
    ends = numbers[: len(texts)].cumsum(dtype=np.int64).tolist()
    places = map(slice, [0, *ends[:-1]], ends)
    return numbers[len(texts) :].reshape(rows, -1), zip(texts, places, strict=True)


def _numbers(texts: list[str], tokenizer, rows: int) -> np.ndarray:
    """How many pieces each text has, then the table's rows end to end, [N]."""
    encode = tokenizer.encode_batch if rows > 1 else tokenizer.encode_batch_fast
    sizes, parts = [], [np.empty((rows, 0), np.int32)]
    for start in range(0, len(texts), AT_ONCE):
        for one in encode(texts[start : start + AT_ONCE], add_special_tokens=False):
            sizes.append(len(one))
            part = np.empty((rows, len(one)), np.int32)
            part[0] = one.ids
            if rows > 1:
                part[1:] = np.array(one.offsets, np.int32).reshape(-1, 2).T
            parts.append(part)
    return np.append(np.array(sizes, np.int32), np.concatenate(parts, 1))


def _kept(texts: list[str], tokenizer, rows: int) -> np.ndarray:
    """`_numbers`, out of a file, which is made where there is none or it is damaged."""
    file = cache_dir() / "wordpieces" / f"{_key(texts, tokenizer, rows)}.int32"
    try:
        return _mapped(file)
    except (FileNotFoundError, ValueError):
        numbers = _numbers(texts, tokenizer, rows)
    with replaced(file) as part, part.open("wb") as out:
        numbers.tofile(out)
        _check(numbers, file).tofile(out)
    return _mapped(file)


def _key(texts: list[str], tokenizer, rows: int) -> str:
    """A hash over all that the numbers follow from, and how they are laid out."""
    rule = ["sizes, ids, begins, ends", rows, tokenizers.__version__]
    rule += [tokenizer.encode_special_tokens, list(map(len, texts))]
    digest = sha256(repr(rule).encode())
    digest.update(tokenizer.to_str().encode())
    digest.update("".join(texts).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _mapped(file: Path) -> np.ndarray:
    """The numbers in a file; ValueError if they are not those that were written there."""
    numbers = np.memmap(file, np.int32, "r").view(np.ndarray)
    if _check(numbers[:-1], file) != numbers[-1]:
        raise ValueError(f"{file} is damaged")
    return numbers[:-1]


def _check(numbers: np.ndarray, file: Path) -> np.ndarray:
    """The checksum at the end of `file`, which its name is part of."""
    return np.array([crc32(numbers, crc32(file.name.encode()))], np.uint32).view(np.int32)
