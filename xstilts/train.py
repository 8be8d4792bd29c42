"""Train an encoder on a recipe: the intermediate phase and fine-tuning are this one act.

The heads of the encoder that it starts from are not taken over, as in the authors' code: every
training starts with fresh heads. Rows come from `data`, numbers from `settings.resolve`; the loop
itself is in `loop`.
"""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from xstilts.data import labelled, load
from xstilts.encoder import Encoder
from xstilts.files import told
from xstilts.forms import form
from xstilts.loop import Lesson, Training
from xstilts.model import Model, heads_for
from xstilts.paths import BadInput, MissingData
from xstilts.recipes import Recipe
from xstilts.settings import Hyper, Setting, as_record, resolve
from xstilts.tasks import Task, task


@dataclass(frozen=True)
class Fitted:
    """A trained model's folder and what is known about its training.

    `curve`: one dict a logged step (step task loss lr dev seconds tokens); `dev`: the kept
    model's headline figure on English dev by task, in percent; `best`: the updates it had seen
    of `updates`; `loaded`, `fresh`: names of the tensors that came from the start and of those
    drawn at random; `hyper`: the resolved numbers; `skipped`: features without a usable label.
    """

    path: Path
    recipe: str
    start: str
    seed: int
    curve: list[dict]
    dev: dict[str, float]
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
    whole or not at all. Raises UserError when the loss is no number any more.
    """
    if not recipe.tasks:
        raise BadInput(f"recipe '{recipe.name}' has no tasks, so there is nothing to train on")
    hyper = resolve(recipe, setting, phase)
    encoder = Encoder.load(start)
    _check_length(hyper, encoder, recipe)
    tasks = [labelled(task(name, known_tasks), data=setting.data) for name in recipe.tasks]
    torch.manual_seed(seed)
    facts = {"max_len": hyper.max_len, "token_budget": hyper.tokens}
    model = Model(encoder, heads_for(tasks), facts)
    lessons = [_lesson(t, model, hyper, setting) for t in tasks]
    training = Training(model, lessons, hyper, setting.precision, seed, recipe.name)
    training.run()
    fresh = [*encoder.fresh, *(f"heads.{name}" for name in model.tops.state_dict())]
    return _save(training, out, start=str(start), fresh=fresh)


def _check_length(hyper: Hyper, encoder: Encoder, recipe: Recipe) -> None:
    longest = encoder.tokenizer.model_max_length
    if hyper.max_len > longest:
        raise BadInput(
            f"recipe '{recipe.name}': max_len is {hyper.max_len}, but the encoder reads at most "
            f"{longest} pieces; lower max_len in the setting's budget"
        )


def _lesson(task: Task, model: Model, hyper: Hyper, setting: Setting) -> Lesson:
    module, tokenizer = form(task.form), model.encoder.tokenizer
    rows = load(task, "train", "en", data=setting.data, limit=hyper.examples).to_list()
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
    return Lesson(
        task, model.head_of(task), module, usable, [f.length for f in usable],
        len(features) - len(usable), dev, module.encode(dev, tokenizer, task, hyper.max_len),
    )  # fmt: skip


def _save(training: Training, out: Path, *, start: str, fresh: list[str]) -> Fitted:
    """Write the model beside `out`, then put it there in one move."""
    model, state, out = training.inner, training.state, Path(out)
    loaded = [n for n in model.encoder.lm.state_dict() if n not in model.encoder.fresh]
    fitted = Fitted(
        path=out, recipe=training.name, start=start, seed=training.seed, curve=state.curve,
        dev=state.best_dev, best=state.best, updates=state.step,
        seconds=round(training.seconds, 3), tokens=state.tokens,
        skipped=sum(one.skipped for one in training.lessons), loaded=loaded, fresh=fresh,
        hyper=as_record(training.hyper),
    )  # fmt: skip
    part = out.with_name(f".{out.name}.{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    try:
        with told(out):
            part.mkdir(parents=True)
            model.save(part)
            fitted.write(part)
            shutil.rmtree(out, ignore_errors=True)
            part.replace(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return fitted
