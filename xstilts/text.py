"""Running text for pretraining: read it, cut it into pieces, pack it into windows, batch it.

Knows documents (lists of sentences) and parallel sentence pairs, from the world or from a folder
of `xx.txt[.xz]`. It masks nothing and trains nothing.
"""

import hashlib
import lzma
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from xstilts.forms import Frame, Input
from xstilts.paths import BadInput, MissingData, text_dir
from xstilts.pieces import smoothed, take
from xstilts.wordpieces import tokenise

ALPHA = 0.3  # languages share text by size ** ALPHA (Conneau et al., 2020)
HELD = 200  # parallel pairs a language kept out of training, to watch retrieval on


@dataclass(frozen=True)
class Text:
    """Documents and (English, other) pairs by language; `held` pairs are never trained on."""

    docs: Mapping[str, list[list[str]]]
    pairs: Mapping[str, list[tuple[str, str]]] = field(default_factory=dict)
    held: Mapping[str, list[tuple[str, str]]] = field(default_factory=dict)
    stamp: Mapping[str, str] = field(default_factory=dict)

    def sentences(self) -> dict[str, list[str]]:
        """Every sentence a vocabulary may be trained on, by language."""
        return {lang: [line for doc in docs for line in doc] for lang, docs in self.docs.items()}

    def amounts(self) -> dict[str, int]:
        """Characters of running text by language."""
        return {lang: sum(map(len, lines)) for lang, lines in self.sentences().items()}


def read_world() -> Text:
    """The synthetic world's pretraining text, stamped with its version and fingerprint."""
    from xstilts import world

    pairs = {lang: world.parallel(lang) for lang in world.LANGS}
    return Text(
        docs={lang: world.text(lang) for lang in ("en", *world.LANGS)},
        pairs={lang: rows[:-HELD] for lang, rows in pairs.items()},
        held={lang: rows[-HELD:] for lang, rows in pairs.items()},
        stamp={"world": world.VERSION, "text": world.fingerprint()},
    )


def bilingual(data: str) -> dict[str, list[tuple[str, str]]]:
    """{language: [(English, other)]}: a few sentences with which to look at an encoder.

    The world's pairs that no encoder was trained on, or the premises of XNLI's dev split. Raises
    MissingData when there is no XNLI.
    """
    if data == "world":
        from xstilts import world

        return {lang: world.parallel(lang)[-HELD:] for lang in world.LANGS}
    from xstilts.data import load
    from xstilts.tasks import TASKS

    xnli = TASKS["xnli"]
    told = {lang: load(xnli, "dev", lang, data=data) for lang in xnli.langs["xtreme"]}
    english = dict(zip(told["en"]["id"], told.pop("en")["text_a"], strict=True))
    return {lang: list({english[row["id"]]: row["text_a"] for row in rows}.items())[:HELD]
            for lang, rows in told.items()}  # fmt: skip


def read_folder(folder: Path, chars: int, alpha: float, seed: int, langs=()) -> Text:
    """About `chars` characters of a folder of `xx.txt[.xz]`, one language a file.

    Languages share them in proportion to their size ** `alpha`. A document is a run of some
    2,000 characters of consecutive lines, for the files mark no ends.
    """
    files = sorted(p for p in Path(folder).glob("*") if p.name.endswith((".txt", ".txt.xz")))
    there = {p.name.split(".")[0] for p in files}
    if gone := set(langs) - there:
        raise MissingData(f"{folder}: no text in '{min(gone)}', only {' '.join(sorted(there))}")
    files = [p for p in files if not langs or p.name.split(".")[0] in langs]
    if not files:
        raise MissingData(f"{folder}: no xx.txt or xx.txt.xz, so there is no text to learn from")
    docs, digest = {}, hashlib.sha256()
    for file in files:
        raw = file.read_bytes()
        digest.update(file.name.encode() + b"\0" + raw)
        docs[file.name.split(".")[0]] = _runs(_decode(file, raw))
    sizes = {lang: sum(len(s) for d in runs for s in d) for lang, runs in docs.items()}
    shares = smoothed(sizes, alpha)
    rng = np.random.default_rng(seed)
    taken = {lang: _take(runs, chars * shares.get(lang, 0), rng) for lang, runs in docs.items()}
    return Text(docs={k: v for k, v in taken.items() if v}, stamp={"text": digest.hexdigest()})


def documents(data: str, langs, chars: int, domains=()) -> dict[str, list[list[str]]]:
    """About `chars` characters of documents by language, of the world or of XSTILTS_TEXT.

    `langs` restricts the languages, `domains` the subjects (folders of such names in XSTILTS_TEXT);
    none: all there are. Raises MissingData where there is no text.
    """
    if data == "world":
        from xstilts import world

        known = langs or ("en", *world.LANGS)
        if strange := [lang for lang in known if lang not in ("en", *world.LANGS)]:
            raise MissingData(f"no text in '{strange[0]}' in the world: en {' '.join(world.LANGS)}")
        dice, room = np.random.default_rng(0), chars // len(known)
        return {lang: _take(world.text(lang, domains), room, dice) for lang in known}
    folder = text_dir()
    if folder is None:
        raise MissingData("no running text: set XSTILTS_TEXT to a folder of xx.txt or xx.txt.xz")
    found, places = defaultdict(list), [folder / domain for domain in domains] or [folder]
    for place in places:
        for lang, docs in read_folder(place, chars // len(places), ALPHA, 0, langs).docs.items():
            found[lang] += docs
    return dict(found)


def _decode(file: Path, raw: bytes) -> str:
    try:
        return (lzma.decompress(raw) if file.suffix == ".xz" else raw).decode("utf-8")
    except (lzma.LZMAError, EOFError, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: not UTF-8 text (.txt) or xz of it (.txt.xz): {error}") from error


def _runs(text: str) -> list[list[str]]:
    runs, run, length = [], [], 0
    for line in filter(None, map(str.strip, text.split("\n"))):
        run.append(line)
        length += len(line)
        if length >= 2000:
            runs.append(run)
            run, length = [], 0
    return [*runs, run] if run else runs


def _take(docs: list, room: float, rng) -> list:
    return take(docs, room, rng, size=lambda doc: sum(map(len, doc)))


class Pieces:
    """Documents as one flat array of piece ids; sentences and documents are offsets into it."""

    def __init__(self, docs: list[list[str]], tokenizer, longest: int):
        sentences = [line for doc in docs for line in doc]
        read = tokenise(sentences, tokenizer)
        ids = [read[line][:longest] for line in sentences]
        self.start = np.cumsum([0, *map(len, ids)])
        self.first = np.cumsum([0, *map(len, docs)])
        self.flat = np.concatenate([np.empty(0, np.int32), *ids])

    def __getitem__(self, sentence: int) -> np.ndarray:
        return self.flat[self.start[sentence] : self.start[sentence + 1]]

    def walk(self, rng) -> Iterator[tuple[np.ndarray, bool]]:
        """(sentence, whether it opens a document), for ever; documents reshuffled each time."""
        while True:
            for doc in rng.permutation(len(self.first) - 1):
                for sentence in range(self.first[doc], self.first[doc + 1]):
                    yield self[sentence], sentence == self.first[doc]


def windows(pieces: Pieces, frame: Frame, limit: int, rng) -> Iterator[Input]:
    """Consecutive whole sentences packed up to `limit` pieces, for ever.

    Documents are parted by the separator. Half of the windows come as two segments parted at the
    end of a sentence, the way fine-tuning will feed pairs.
    """
    room, held, size = limit - 4, [], 0
    for sentence, opens in pieces.walk(rng):
        if held and opens:
            sentence = np.concatenate([frame.end, sentence])
        sentence = sentence[:room]
        if held and size + len(sentence) > room:
            yield _window(held, frame, rng)
            held, size = [], 0
            sentence = sentence[1:] if opens else sentence
        held.append(sentence)
        size += len(sentence)


def _window(held: list[np.ndarray], frame: Frame, rng) -> Input:
    if len(held) < 2 or rng.random() < 0.5:
        return frame.single(*held)
    cut = int(rng.integers(1, len(held)))
    second = np.concatenate(held[cut:])
    second = second[1:] if second[0] == frame.end[0] else second
    return frame.pair(np.concatenate(held[:cut]), second)


def translations(pieces: Pieces, frame: Frame, rng) -> Iterator[Input]:
    """Sentence pairs (documents of two sentences) for ever, either side first.

    Positions run on through both, as fine-tuning numbers them; translation language modelling as
    Conneau and Lample (2019) have it starts them anew, and names the languages to the model.
    """
    while True:
        for doc in rng.permutation(len(pieces.first) - 1):
            sides = [pieces[2 * doc], pieces[2 * doc + 1]]
            if rng.random() < 0.5:
                sides.reverse()
            yield frame.pair(*sides)


@dataclass(frozen=True)
class Batch:
    """Equally long inputs, so without any padding: `ids` and `types` (1 on the second text) are
    [B, T], `rate`, the share of pieces to mask, is [B, 1]."""

    ids: np.ndarray
    types: np.ndarray
    rate: np.ndarray


def batch(inputs: list[tuple[Input, float]]) -> Batch:
    """Stack inputs of one length, each with its rate."""
    ids = np.stack([one.ids for one, _ in inputs]).astype(np.int64)
    types = np.arange(ids.shape[1]) >= np.array([[one.second] for one, _ in inputs])
    return Batch(ids, types.astype(np.int64), np.array([[rate] for _, rate in inputs]))


class Feed:
    """Batches without end: every language and kind of input in its share of the pieces.

    `plan` gives `windows` {limit: share}, `tlm`, `alpha`, `tokens` a batch and the mask rates.
    """

    ROUND = 128  # batches planned at a time, so that equal lengths find each other

    def __init__(self, text: Text, tokenizer, plan, seed: int):
        self.plan, self.rng, frame = plan, np.random.default_rng(seed), Frame(tokenizer)
        docs = {lang: Pieces(d, tokenizer, plan.longest) for lang, d in text.docs.items()}
        half = plan.longest // 2 - 2
        pairs = {lang: Pieces(rows, tokenizer, half) for lang, rows in text.pairs.items() if rows}
        self.pieces = {lang: len(p.flat) for lang, p in docs.items()}
        self.sources, tlm = [], plan.tlm if pairs else 0.0  # (inputs, mask rate, share of pieces)
        for lang, share in smoothed(self.pieces, plan.alpha).items():
            for limit, part in plan.windows.items():
                stream = windows(docs[lang], frame, limit, self.rng)
                self.sources.append((stream, plan.mask, (1 - tlm) * share * part))
        for lang, share in smoothed({k: len(p.flat) for k, p in pairs.items()}, plan.alpha).items():
            stream = translations(pairs[lang], frame, self.rng)
            self.sources.append((stream, plan.mask_pairs, tlm * share))

    def __iter__(self) -> Iterator[Batch]:
        pool, due = defaultdict(list), [0.0] * len(self.sources)
        while True:
            for place, (stream, rate, share) in enumerate(self.sources):
                due[place] += share * self.ROUND * self.plan.tokens
                while due[place] > 0:
                    one = next(stream)
                    due[place] -= len(one.ids)
                    pool[len(one.ids)].append((one, rate))
            yield from self._deal(pool)

    def _deal(self, pool) -> Iterator[Batch]:
        """Full batches of equal length in random order; what is left over waits in the pool."""
        full = []
        for length, waiting in pool.items():
            size = max(1, self.plan.tokens // length)
            self.rng.shuffle(waiting)
            while len(waiting) >= size:
                full.append([waiting.pop() for _ in range(size)])
        for place in self.rng.permutation(len(full)):
            yield batch(full[place])
