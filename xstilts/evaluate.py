"""Evaluate a fine-tuned model on a task in every language, most of which it was never taught.

The model is loaded once; the languages go through it together, longest inputs first, and their
outputs are sorted out afterwards. Scores come in percent, Examples hold what a bootstrap needs.
Nothing is selected here: a model arrives as its training left it. Beside each score stands, as
metric "guess_...", that of a trivial baseline; beside a dual encoder's, for
comparison, that of its vectors minus the mean of their language and side (`pooling`
"mean-centred"; the means of the very texts that are ranked, taken without labels).
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
import torch

from xstilts.data import load
from xstilts.devices import alone
from xstilts.forms import asked, blind, form, judge
from xstilts.forms.pairs import CENTRED, MEAN, centred
from xstilts.languages import languages
from xstilts.metrics import NO_ANSWER, Measured, headline
from xstilts.model import Model, predict
from xstilts.paths import MissingData
from xstilts.scores import COLUMNS, EXAMPLE_COLUMNS, GUESS, SWEEP, suites
from xstilts.settings import Setting
from xstilts.submission import write_answers
from xstilts.tasks import Task

OF_THE_RUN = ("setting", "seed", "recipe", "target", "run")  # columns that the run itself adds


@dataclass(frozen=True)
class Result:
    """What an evaluation found: `scores` and `examples` without the run's identity, `answers`
    {(task, split, lang): file text} in XTREME's layout, `missing` {lang: why it has no scores}."""

    scores: pd.DataFrame
    examples: pd.DataFrame
    answers: dict[tuple[str, str, str], str]
    missing: dict[str, str] = field(default_factory=dict)


def zero_shot(model: Path, task: Task, setting: Setting) -> Result:
    """Score the model in the folder `model` on the test rows of `task` in all its languages.

    A dual encoder ranks the candidates of all languages together. Raises MissingData if no
    language has data; the ones that lack it are in the result's `missing`, and printed.
    """
    rows, missing = rows_of(task, setting, "test", languages(task, setting.data))
    fitted = Model.load(model).to(alone())
    head = fitted.head_of(task)
    told = replace(task, labels=head.labels or task.labels)
    flat = [row for own in rows.values() for row in own]
    module, facts = form(task.form), fitted.facts
    features = module.encode(blind(flat, told), fitted.encoder.tokenizer, told, facts["max_len"])
    outs = predict(fitted, head, features, facts["token_budget"], setting.precision)
    answers = module.decode(outs, features, flat, told)
    lost = module.lost(features, flat) if task.form == "span" else ()
    sizes = {f.row: replace(f, cut=f.cut or f.row in lost) for f in features}
    pairs, report = task.form == "pairs", Report(task, "test")
    shown = {"layer": fitted.encoder.layers if pairs else None,
             "pooling": MEAN if pairs else None, "selection": facts["selection"]}  # fmt: skip
    for lang, places, own, said in _by_language(rows, answers):
        measured = judge(task, own, said, lang)
        report.scores(lang, measured, shown)
        report.answers(lang, own, said, measured, [sizes.get(i) for i in places])
        if not pairs:
            report.scores(lang, guess(task, own, lang), shown, GUESS)
    if pairs:
        shown |= {"pooling": CENTRED, "selection": SWEEP}
        answers = module.decode(_centred(outs, rows), features, flat, told)
        for lang, _, own, said in _by_language(rows, answers):
            report.scores(lang, judge(task, own, said, lang), shown)
    return report.result(missing)


def _by_language(rows: Mapping[str, list[dict]], answers: Sequence):
    """(language, places of what was asked among all rows, those rows, their answers)."""
    begin = 0
    for lang, own in rows.items():
        places = asked(own)
        told = [begin + i for i in places]
        yield lang, told, [own[i] for i in places], [answers[i] for i in told]
        begin += len(own)


def _centred(vectors: Sequence, rows: Mapping[str, list[dict]]) -> torch.Tensor:
    """Each row's vector minus the mean of its language and side, set to length one."""
    vectors = torch.stack([torch.as_tensor(vector) for vector in vectors]).float()
    sides = [(lang, row["side"]) for lang, own in rows.items() for row in own]
    for side in set(sides):
        mine = [i for i, other in enumerate(sides) if other == side]
        vectors[mine] = centred(vectors[mine])
    return vectors


def guess(task: Task, rows: Sequence[Mapping], lang: str) -> Measured:
    """What a trivial baseline scores on these rows.

    Always the same label, place among the choices or tag, whichever does best on these very rows;
    for spans, as many words of the passage as the gold answer has, from a random place (fixed
    draw), or always "no answer" where that may be right and does better.
    """
    if task.form == "span":
        constant = [[_random_span(row["context"], row["answers"]["text"]) for row in rows]]
        constant += [[""] * len(rows)] * (task.metric in NO_ANSWER)
    elif task.form == "tag":
        constant = [[[tag] * len(row["tags"]) for row in rows]
                    for tag in sorted({tag for row in rows for tag in row["tags"]})]  # fmt: skip
    else:
        constant = [[label] * len(rows) for label in sorted({row["label"] for row in rows})]
    return max((judge(task, rows, said, lang) for said in constant),
               key=lambda measured: headline(measured.percent))  # fmt: skip


def _random_span(context: str, right: Sequence[str]) -> str:
    """Words, or characters where the text has no spaces between words."""
    spaced = 20 * context.count(" ") > len(context)
    words, answer = (text.split() if spaced else text for text in (context, (*right, "one")[0]))
    start = random.Random(context).randrange(max(1, len(words) - len(answer) + 1))
    return (" " if spaced else "").join(words[start : start + len(answer)])


def rows_read(task: Task, setting: Setting, split: str, lang: str) -> list[dict]:
    """The rows of one language that an evaluation reads, limited as the setting's budget says."""
    limit = setting.budget.get("evaluate", {}).get("examples")
    return load(task, split, lang, data=setting.data, limit=limit).to_list()


def rows_of(task: Task, setting: Setting, split: str, langs: Sequence[str]):
    """({lang: rows}, {lang: why there are none}); raises MissingData if there are none at all."""
    rows, missing, last = {}, {}, None
    for lang in langs:
        try:
            rows[lang] = rows_read(task, setting, split, lang)
        except MissingData as error:
            missing[lang], last = str(error), error
    if not rows:
        raise last or MissingData(f"task '{task.name}' has no languages to evaluate")
    if missing:
        lang, why = next(iter(missing.items()))
        print(f"{task.name}: no data for {' '.join(missing)} ({lang}: {why})", flush=True)
    return rows, missing


class Report:
    """Collects Scores, Examples and answers of one task and split, language by language."""

    def __init__(self, task: Task, split: str):
        self.task, self.split = task, split
        self._scores, self._examples, self._answers = [], [], {}

    def scores(self, lang: str, measured: Measured, shown: Mapping, kind: str = "") -> None:
        """One row a metric, its name begun by `kind`; `shown`: layer, pooling, selection."""
        n = len(next(iter(measured.counts.values())))
        for metric, value in measured.percent.items():
            row = {"task": self.task.name, "lang": lang, "suite": suites(self.task, lang)}
            row |= {"split": self.split, "metric": kind + metric, "value": value, "n": n}
            self._scores.append(row | dict(shown))

    def answers(self, lang: str, rows, said, measured: Measured, features) -> None:
        """A file of answers; one row an example and metric: its counts, and its input's length."""
        text = write_answers(self.task, [row["id"] for row in rows], said)
        self._answers[self.task.name, self.split, lang] = text
        for metric, counts in measured.counts.items():
            for row, count, feature in zip(rows, counts, features, strict=True):
                self._examples.append(
                    (self.task.name, lang, self.split, row["id"], metric, *map(float, count),
                     feature.pieces if feature else 0, bool(feature and feature.cut),
                     row.get("domain"))
                )  # fmt: skip

    def result(self, missing: dict[str, str]) -> Result:
        names = [name for name in COLUMNS if name not in OF_THE_RUN]
        scores = pd.DataFrame(self._scores, columns=names)
        scores["layer"] = scores["layer"].astype("Int64")
        examples = pd.DataFrame(self._examples, columns=list(EXAMPLE_COLUMNS))
        return Result(scores, examples, self._answers, missing)
