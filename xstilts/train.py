"""Train an encoder on a recipe: the intermediate phase and fine-tuning are this one act.

The heads of the encoder that it starts from are not taken over, as in the authors' code: every
training starts with fresh heads. Rows come from `data`, numbers from `settings.resolve`; the loop
itself is in `loop`.
"""

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from xstilts import devices
from xstilts.arms import altered, training_rows, turns
from xstilts.data import labelled, load
from xstilts.encoder import Encoder
from xstilts.files import beside, told
from xstilts.forms import asked, form, mlm, moments
from xstilts.loop import Lesson, Training, updates
from xstilts.model import ALIGN, MLM, Model, heads_for
from xstilts.paths import BadInput, MissingData
from xstilts.provenance import plain
from xstilts.recipes import Recipe, check
from xstilts.records import record
from xstilts.resume import Work, key
from xstilts.settings import Hyper, Setting, resolve
from xstilts.tasks import Task, task
from xstilts.text import documents
from xstilts.translations import spoken

TEXT = Task("mlm", "Masked language modelling", "mlm", world="text")
ALIKE = Task("align", "Moment alignment", "moments", world="text")
CHARS = 6  # of text read for every piece that is wanted of it: more than a piece has


@dataclass(frozen=True)
class Fitted:
    """A trained model's folder and what is known about its training.

    `curve`: one dict a logged step (step task loss lr dev seconds tokens); `dev`: the kept
    model's headline figure on English dev by task, in percent, over so many rows
    (`dev_rows`); `selection`: how it was chosen; `best`: the updates it had seen
    of `updates`; `loaded`, `fresh`: names of the tensors that came from the start and of those
    drawn at random; `hyper`: the resolved numbers; `skipped`: features without a usable label.
    """

    path: Path
    recipe: str
    start: str
    seed: int
    curve: list[dict]
    dev: dict[str, float]
    dev_rows: dict[str, int]
    selection: str
    best: int
    updates: int
    seconds: float
    tokens: int
    skipped: int
    loaded: list[str]
    fresh: list[str]
    hyper: dict

    @classmethod
    def load(cls, path: Path) -> "Fitted":
        """Read the record that `fit` left in a model's folder."""
        file = Path(path) / "fit.json"
        if not file.is_file():
            raise MissingData(f"{path}: no fit.json, so it was not trained here")
        return cls(path=Path(path), **json.loads(file.read_text("utf-8")))

    def write(self, folder: Path) -> None:
        record = asdict(self)
        del record["path"]
        (folder / "fit.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")

    def scores(self):
        """English dev as a Scores table without the run's identity, one row a task."""
        import pandas as pd

        same = {"lang": "en", "split": "dev", "metric": "headline", "selection": self.selection}
        return pd.DataFrame(
            [{"task": name, "value": value, "n": self.dev_rows[name], **same}
             for name, value in self.dev.items()]
        )  # fmt: skip


@dataclass(frozen=True)
class Request:
    """What `fit` is called with, to be asked of other processes."""

    start: str
    recipe: Recipe
    setting: Setting
    phase: str
    seed: int
    out: str
    known_tasks: tuple[Task, ...]


def fit(
    start: Path | str,
    recipe: Recipe,
    setting: Setting,
    *,
    phase: str,
    seed: int,
    out: Path,
    known_tasks: Sequence[Task] = (),
) -> Fitted:
    """Train the encoder at `start` by `recipe` and leave the model in the folder `out`.

    `phase` is "intermediate" or "target"; `known_tasks` are a grid's own. The folder appears
    whole or not at all; until then `.work` beside it keeps the state of a long training, from
    which the same call goes on. Raises UserError when the loss is no number any more.

    With several devices in the setting, as many processes share each step.
    """
    if setting.devices != 1:
        alone = replace(setting, devices=1)
        request = Request(str(start), recipe, alone, phase, seed, str(out), tuple(known_tasks))
        devices.launch("xstilts.train", plain(request), setting.devices)
        return Fitted.load(out)
    if not recipe.tasks:
        raise BadInput(f"recipe '{recipe.name}' has no tasks, so there is nothing to train on")
    records = [task(name, known_tasks) for name in recipe.tasks]
    check(recipe, records)
    recipe = replace(recipe, translate=spoken(recipe, records, setting.data))
    hyper = resolve(recipe, setting, phase)
    encoder, out = Encoder.load(start), Path(out)
    longest = encoder.tokenizer.model_max_length
    if hyper.max_len > longest:
        raise BadInput(
            f"recipe '{recipe.name}': max_len is {hyper.max_len}, but the encoder reads "
            f"at most {longest} pieces; lower max_len in the setting's budget"
        )
    taught = lessons(records, recipe, setting, hyper, encoder.tokenizer)
    heads = tuple(dict.fromkeys(one.head for one in taught))
    once = replace(hyper, epochs=hyper.epochs / turns(recipe, hyper))
    hyper = replace(hyper, updates=updates(taught, once))
    if recipe.mlm:
        running = _running_text(taught, recipe, setting, hyper, encoder.tokenizer)
        taught, heads = ([running], ()) if recipe.mlm == 1 else ([*taught, running], heads)
    torch.manual_seed(seed)
    facts = {"max_len": hyper.max_len, "token_budget": hyper.tokens}
    model = Model(encoder, heads, facts)
    fresh = [*encoder.fresh, *(f"heads.{name}" for name in model.tops.state_dict())]
    loaded = [name for name in encoder.lm.state_dict() if name not in encoder.fresh]
    print(f"{recipe.name}: {len(loaded)} tensors loaded, fresh: {', '.join(fresh) or 'none'}")
    training = Training(model, taught, hyper, setting.precision, seed, recipe.name)
    work = Work(out, key([recipe, hyper, setting.precision, seed], training))
    with told(out):
        training.run(work)
        fitted = _fitted(training, out, start=str(start), loaded=loaded, fresh=fresh)
        if devices.place()[0] == 0:
            _save(training.inner, fitted)
            work.clear()
    return fitted


def lessons(
    tasks: Sequence[Task], recipe: Recipe, setting: Setting, hyper: Hyper, tokenizer
) -> list[Lesson]:
    """What each of a recipe's tasks teaches, and by which head. Raises BadInput, MissingData."""
    tasks = [labelled(one, data=setting.data) for one in tasks]
    heads = heads_for(tasks)
    return [_lesson(one, heads, recipe, setting, hyper, tokenizer) for one in tasks]


def _lesson(task: Task, heads, recipe: Recipe, setting: Setting, hyper: Hyper, tokenizer) -> Lesson:
    module = form(task.form)
    rows = training_rows(task, recipe, hyper, setting.data)
    features = module.encode(rows, tokenizer, task, hyper.max_len)
    if task.form == "pairs":
        features = module.couples(features, rows)
    usable = [f for f in features if f.target is not None]
    if not usable:
        raise BadInput(f"{task.name}: none of its {len(rows)} training rows has a usable label")
    try:
        dev = load(task, "dev", "en", data=setting.data, limit=hyper.eval_examples).to_list()
    except MissingData:
        dev = []
    dev = altered(dev, recipe, task, train=False)
    head = next(head for head in heads if task.name in head.tasks)
    dev_features = module.encode(dev, tokenizer, task, hyper.max_len)
    if skipped := len(features) - len(usable):
        print(f"{task.name}: {skipped} of {len(features)} inputs cannot teach and are left out "
              "(no label, or an answer that is not there or in no window whole)")  # fmt: skip
    return Lesson(task, head, usable, hyper.batch, skipped, dev, dev_features)


def _running_text(
    lessons: Sequence[Lesson], recipe: Recipe, setting: Setting, hyper: Hyper, tokenizer
) -> Lesson:
    """Running text for the recipe's share of the updates, each window read once.

    To align moments: beside the texts of the tasks, in windows of their usual length.
    """
    batch, longest = hyper.mlm_batch, hyper.max_len
    english = [feature for one in lessons for feature in one.features]
    if recipe.align:
        batch = moments.BATCH
        longest = int(np.median([len(feature.inputs[0].ids) for feature in english]))
    count = max(1, round(recipe.mlm * hyper.updates)) * batch
    docs = documents(setting.data, recipe.mlm_text, count * longest * CHARS, recipe.mlm_domains)
    features = mlm.encode(docs, tokenizer, longest, count)
    if recipe.align:
        return Lesson(ALIKE, ALIGN, moments.couples(english, features), batch)
    return Lesson(TEXT, MLM, features, batch)


def _fitted(training: Training, out: Path, **more) -> Fitted:
    state = training.state
    return Fitted(
        path=out, recipe=training.name, seed=training.seed, curve=state.curve, dev=state.best_dev,
        dev_rows={one.task.name: len(asked(one.dev_rows)) for one in training.lessons},
        selection=training.inner.facts["selection"], best=state.best, updates=state.step,
        seconds=round(training.seconds, 3), tokens=state.tokens,
        skipped=sum(one.skipped for one in training.lessons), hyper=asdict(training.hyper),
        **more,
    )  # fmt: skip


def _save(model: Model, fitted: Fitted) -> None:
    """Write the model beside its place, then put it there in one move."""
    out = fitted.path
    part = beside(out)
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        model.save(part)
        fitted.write(part)
        shutil.rmtree(out, ignore_errors=True)
        part.replace(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)


if __name__ == "__main__":
    with devices.joined(Path(sys.argv[1])) as wanted:
        fit(**vars(record(Request, wanted, "request")))
