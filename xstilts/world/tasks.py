"""Every task of the world: who draws it, from which domains and pools, and how many rows.

A draft is drawn without a language and said in each, so rows with the same id are translations
(but TyDiQA's tests, which are drawn for each language apart). English has all splits, the other
languages the test split of the target tasks and translations of the English training rows, exact
or with errors.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from xstilts.paths import BadInput, MissingData, nearest
from xstilts.world import choices, pairs, passages, statements
from xstilts.world.corpus import document, first_said
from xstilts.world.events import Dice, event, organisation, person
from xstilts.world.grammar import Token, join, say, text, tokens
from xstilts.world.languages import ALL, LANGS, Language
from xstilts.world.lore import bio
from xstilts.world.meaning import Sentence
from xstilts.world.translation import mistranslated

ANY = ("market", "travel", "science", "sport", "home")


RAISED = r"S/(S\NP)"   # the category of a subject that awaits its verb phrase


class Draft(NamedTuple):
    """How a task's rows are drawn: `draw(dice, pool, domain, **more)`, then said by `form`."""

    form: str
    draw: Callable
    sizes: dict[str, int]          # rows by split
    domains: tuple[str, ...] = ANY
    more: dict = {}
    langs: tuple[str, ...] = ()    # besides English
    pool: str = "intermediate"     # of the training split


def tagged(dice: Dice, pool: str, domain: str, names: float = 0.3) -> Sentence:
    """A sentence to tag: of a document, or with many names in it."""
    if dice.chance(1 - names):
        return dice.pick([s for s in document(dice, pool) if not s.only])
    if dice.chance(0.2):
        return Sentence(bio(dice, person(dice, pool), domain))
    agent = organisation(dice, pool) if dice.chance(0.5) else person(dice, pool)
    return first_said(dice, event(dice, pool, domain, agent, where=0.7))


BIG = {"train": 10_000, "dev": 300}
MIDDLE = {"train": 4_500, "dev": 300}
TEST = {"dev": 300, "test": 250}
GENRES = ("market", "travel", "science")
SPAN = {"train": 8_000, "dev": 300}
TASKS = {
    "snli": Draft("classify", statements.nli, BIG | {"test": 300}, ("market", "sport", "home")),
    "mnli": Draft("classify", statements.nli, BIG, GENRES, {"extra": (0, 1)}),
    "anli_r1": Draft("classify", statements.nli, {"train": 2_000} | TEST, ANY,
                     {"extra": (1, 2), "hard": True}),
    "anli_r2": Draft("classify", statements.nli, {"train": 3_000} | TEST, ANY,
                     {"extra": (2, 3), "hard": True}),
    "anli_r3": Draft("classify", statements.nli, {"train": 4_000} | TEST, ANY,
                     {"extra": (3, 5), "hard": True, "turned": 0.6}),
    "qqp": Draft("classify", statements.qqp, BIG),
    "squad_v1": Draft("span", passages.passage, SPAN, GENRES, {"turned": 0.1}),
    "squad_v2": Draft("span", passages.passage, SPAN, GENRES, {"lone": 0.4, "turned": 0.1}),
    "hellaswag": Draft("choose", choices.hellaswag, MIDDLE),
    "ccg": Draft("tag", tagged, MIDDLE, ANY, {"names": 0.1}),
    "cosmosqa": Draft("choose", choices.cosmosqa, MIDDLE),
    "csqa": Draft("choose", choices.csqa, {"train": 1_500, "dev": 300}),
    "siqa": Draft("choose", choices.siqa, {"train": 4_000, "dev": 300}),
    "copa": Draft("choose", choices.copa, {"train": 400, "dev": 100}, pool="train"),
    "xnli": Draft("classify", statements.nli, TEST, ("sport", "home"),
                  {"extra": (0, 1), "turned": 0.6}, LANGS),
    "pawsx": Draft("classify", statements.paws, {"train": 6_000} | TEST, ANY, {}, LANGS, "train"),
    "udpos": Draft("tag", tagged, {"train": 1_500} | TEST, ANY, {}, LANGS, "train"),
    "panx": Draft("tag", tagged, {"train": 1_500} | TEST, ANY, {"names": 0.8}, LANGS, "train"),
    "xquad": Draft("span", passages.passage, {"test": 250}, ("sport", "home"),
                   {"turned": 0.4, "kept": 0.8}, LANGS),
    "mlqa": Draft("span", passages.passage, TEST, ("home", "market"),
                  {"told": 0.4, "kept": 0.4}, LANGS),
    "tydiqa": Draft("span", passages.passage, {"train": 400, "dev": 100, "test": 250}, ANY,
                    {"kept": 0.0}, LANGS, "train"),
    "xcopa": Draft("choose", choices.copa, {"dev": 100, "test": 250}, ANY, {}, LANGS),
    "bucc": Draft("pairs", pairs.bucc, {"dev": 200, "test": 400}, langs=pairs.MINED),
    "tatoeba": Draft("pairs", pairs.tatoeba, {"test": 300}, langs=LANGS),
    "lareqa": Draft("pairs", pairs.lareqa, {"train": 1_000, "dev": 60, "test": 80},
                    langs=pairs.ANSWERED[1:]),
    "mewslix": Draft("pairs", pairs.mewslix, {"train": 700, "dev": 150, "test": 210},
                     langs=pairs.LINKED[1:]),
}
BITEXT = ("bucc", "tatoeba")   # English is one of the two sides, not a language of its own


def languages(name: str) -> tuple[str, ...]:
    """The languages in which a task has a test split (for bitext: besides English)."""
    draft = _draft(name)
    return draft.langs if name in BITEXT else ("en", *draft.langs)


def translations(name: str) -> tuple[str, ...]:
    """The languages into which a task's training rows are translated: all, or none.

    Supertags say how English words combine, and what is retrieved is paired within its language.
    """
    draft = _draft(name)
    fit = "train" in draft.sizes and draft.form != "pairs" and name != "ccg"
    return LANGS if fit else ()


def check(name: str, split: str, lang: str, pieces: int | None = None, errors: float = 0) -> None:
    """Raise BadInput or MissingData if `draw` could not answer this."""
    draft = _draft(name)
    translated = split == "train" and lang in translations(name)
    if not translated and (lang not in languages(name) or split not in draft.sizes or (
            lang != "en" and split != "test" and name != "bucc")):
        raise MissingData(f"{name}: the synthetic world has no rows in '{lang}', split {split}")
    if pieces and draft.form != "span":
        raise BadInput(f"{name}: only passages can be stretched, so no `pieces` here")
    if errors and not translated:
        raise BadInput(f"{name}, {split}, '{lang}': only translated training rows have `errors`")


def draw(name: str, split: str, lang: str, pieces: int | None = None,
         errors: float = 0) -> list[dict]:
    """The rows of a task; `pieces` stretches the passages of span tasks (see `passages`).

    `errors` is the rate of wrong words in a translation of training rows (see `translation`). A
    translation leaves out the few rows that dev or test rows happen to repeat: timeless truths.
    """
    draft = _draft(name)
    if draft.form == "pairs":
        return draft.draw(split, lang, draft.sizes[split])
    translated = split == "train" and lang != "en"
    held = _held_out(draft.form, lang) if translated else ()
    rows = []
    for key, dice, domain, made in _drafts(name, split, "en" if translated else lang, pieces):
        if translated and _texts(draft.form, made, lang, name) in held:
            continue
        how = mistranslated(made, lang, errors, key) if errors else (made, ALL[lang])
        rows.append({"id": key, **SAID[draft.form](*how, dice, name), "domain": domain})
    return rows


def _drafts(name: str, split: str, lang: str, pieces: int | None = None) -> Iterator[tuple]:
    """(id, dice, domain, meaning) of every row; the dice go on to say it."""
    draft, own = _draft(name), lang if name == "tydiqa" else ""
    more = draft.more | ({"pieces": pieces} if pieces else {})
    for n in range(draft.sizes[split]):
        dice = Dice(f"xstilts {name} {split} {own} {n}")
        domain = dice.pick(draft.domains)
        made = draft.draw(dice, draft.pool if split == "train" else split, domain, **more)
        yield f"{name}-{split}-{own}{n}", dice, getattr(made, "domain", domain), made


def _held_out(form: str, lang: str) -> set[str]:
    """What all dev and test rows of a form say, in a language."""
    return {_texts(form, made, lang, name) for name, draft in TASKS.items() if draft.form == form
            for split in draft.sizes.keys() - {"train"}
            for own in ({"en", lang} if name == "tydiqa" else {"en"})
            for _, _, _, made in _drafts(name, split, own)}


def _texts(form: str, made, lang: str, name: str) -> str:
    said = SAID[form](made, ALL[lang], Dice(""), name)   # these dice but order the choices
    return str([sorted(value) if key == "choices" else value for key, value in said.items()
                if key not in ("label", "tags", "answers")])


def _draft(name: str) -> Draft:
    if name not in TASKS:
        raise BadInput(f"the synthetic world has no task '{name}': {nearest(name, TASKS)}")
    return TASKS[name]


def _classify(made, language: Language, dice: Dice, name: str) -> dict:
    return {"text_a": text(made.a, language), "text_b": text(made.b, language), "label": made.label}


def _choose(made, language: Language, dice: Dice, name: str) -> dict:
    order = dice.some(range(len(made.choices)), 9)
    return {"context": text(made.context, language), "label": order.index(0),
            "choices": [say(made.choices[n], language) for n in order]}


def _tag(made: Sentence, language: Language, dice: Dice, name: str) -> dict:
    kind = {"udpos": "pos", "panx": "ner", "ccg": "ccg"}[name]
    words = tokens(made, language)
    tags = supertags(words) if name == "ccg" else [getattr(word, kind) for word in words]
    return {"tokens": [word.form for word in words], "tags": tags}


def supertags(words: list[Token]) -> list[str]:
    """Categories with type-raised subjects, so that a word alone does not tell its own.

    The subject is what fills a role before the verb; its first word takes the verb phrase.
    """
    verb = next((n for n, word in enumerate(words) if word.pos in ("AUX", "VERB")), 0)
    tags = [word.ccg for word in words]
    subject = [n for n, word in enumerate(words[:verb]) if word.slot in ("agent", "patient", "num")]
    if subject:
        first = subject[0] - (words[subject[0] - 1].pos == "DET" and subject[0] > 0)
        tags[first] = rf"({RAISED})/N" if first < subject[-1] else RAISED
    return tags


def _span(made, language: Language, dice: Dice, name: str) -> dict:
    answers: dict = {"text": [], "answer_start": []}
    if made.slot:
        before = text(made.context[:made.evidence], language)
        start = len(before) + (len(before) > 0 and language.script != "han")
        first, last = answer_span(made.context[made.evidence], made.slot, language)
        context = text(made.context, language)
        answers = {"text": [context[start + first:start + last]], "answer_start": [start + first]}
    return {"question": say(made.question, language), "context": text(made.context, language),
            "answers": answers}


def answer_span(sentence: Sentence, slot: str, language: Language) -> tuple[int, int]:
    """Where the words of a slot begin and end in a sentence, in characters."""
    words = tokens(sentence, language)
    wanted = {"patient": ("patient", "num")}.get(slot, (slot,))
    places = [n for n, word in enumerate(words) if word.slot in wanted]
    ends = [len(join(words[:n + 1], language)) for n in (places[0], places[-1])]
    return ends[0] - len(words[places[0]].form), ends[1]


SAID = {"classify": _classify, "choose": _choose, "tag": _tag, "span": _span}
