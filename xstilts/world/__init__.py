"""A small synthetic multilingual world: pretraining text, translations and every task's rows.

What it does: renders one set of meanings into English and fourteen constructed languages. What it
does not: resemble any real language, or say anything about scores on real data.
Reading order: `concepts`, `languages`, `meaning`, `grammar`, `events`, `relations`, `lore`,
`corpus`, then `tasks` and those it draws on.
Everything is drawn from fixed seeds; a run's seed never reaches it.
"""

import gzip
import hashlib
import json
import zlib
from pathlib import Path

from xstilts.files import replaced
from xstilts.paths import BadInput, UserError
from xstilts.world import corpus, tasks
from xstilts.world.concepts import DOMAINS
from xstilts.world.languages import ALL, LANGS, LANGUAGES, Language, distance
from xstilts.world.tasks import languages

__all__ = ["LANGS", "LANGUAGES", "VERSION", "Language", "distance", "fingerprint", "languages",
           "parallel", "rows", "text"]
HERE = Path(__file__).parent
VERSION = "1"   # of text and pairs, on which the encoders that ship were pretrained


def text(lang: str, domains=()) -> list[list[str]]:
    """Pretraining documents of a language ("en" or one of `LANGS`), each a list of sentences.

    With `domains`, only those about them.
    """
    docs = _cached(f"text-{lang}", lambda: corpus.documents(lang))
    if not domains:
        return docs
    if strange := set(domains) - set(DOMAINS):
        raise BadInput(f"the world has no domain '{min(strange)}': {' '.join(DOMAINS)}")
    about = _cached(f"subjects-{lang}", lambda: corpus.subjects(lang))
    return [doc for doc, domain in zip(docs, about, strict=True) if domain in domains]


def parallel(lang: str) -> list[tuple[str, str]]:
    """(English, `lang`) sentence pairs for translation language modelling; none for "en"."""
    if lang == "en":
        return []
    return [(a, b) for a, b in _cached(f"pairs-{lang}", lambda: corpus.pairs(lang))]


def fingerprint() -> str:
    """sha256 over the first 100 documents and 100 pairs of every language, and how many there are.

    Text is drawn in one sequence per language, so a change anywhere in how it is made shows there.
    """
    digest = hashlib.sha256(f"{VERSION} {corpus.DOCUMENTS} {corpus.PAIRS}".encode())
    for code in ALL:
        made = [*corpus.documents(code, 100), *corpus.pairs(code, 100)]
        digest.update(json.dumps(made, ensure_ascii=False).encode())
    return digest.hexdigest()


def _cached(name: str, make) -> list:
    """What `make()` yields, kept as JSON lines under the cache folder of these very sources."""
    from filelock import FileLock

    from xstilts.paths import cache_dir

    sources = sorted([*HERE.glob("*.py"), *HERE.glob("*.toml")])
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources))
    path = cache_dir() / "world" / f"{VERSION}-{digest.hexdigest()[:8]}" / f"{name}.jsonl.gz"
    if (found := _kept(path)) is not None:
        return found
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            if (found := _kept(path)) is None:
                found = _plain(make())
                with replaced(path) as part, gzip.open(part, "wt", 3, encoding="utf-8") as file:
                    file.writelines(json.dumps(one, ensure_ascii=False) + "\n" for one in found)
    except (OSError, UserError):   # no room to keep it in, or no right to
        found = _plain(make()) if found is None else found
    return found


def _plain(items) -> list:
    """What reading them from a file gives."""
    return json.loads(json.dumps(list(items)))


def _kept(path: Path) -> list | None:
    """What a file of the cache holds; None if there is none, or not a whole one."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            return [json.loads(line) for line in file] if path.stat().st_size else None
    except (OSError, EOFError, zlib.error, ValueError):
        return None


def rows(name: str, split: str, lang: str, pieces: int | None = None,
         errors: float = 0) -> list[dict]:
    """One task's rows with the columns of its form (see `xstilts.data`) and `domain`.

    The training split in another language is the English one translated, with this rate of
    `errors`. `pieces` stretches the passages of span tasks to about so many subwords by
    sentences around the same evidence, questions and answers unchanged. Raises BadInput for an
    unknown task, MissingData for a split or language that the task does not have.
    """
    tasks.check(name, split, lang, pieces, errors)
    more = f"{f'-{pieces}' if pieces else ''}{f'-errors{errors:g}' if errors else ''}"
    return _cached(f"{name}-{split}-{lang}{more}",
                   lambda: tasks.draw(name, split, lang, pieces, errors))
