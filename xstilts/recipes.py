"""What an encoder is trained on. One line per recipe; a variant is `replace(...)` of a named one.

A recipe serves both training phases: the nine English intermediate tasks, one at a time or all
together, and the English fine-tuning sets of the target tasks. `None` in a number means "as the
paper did it" and is decided in `settings.resolve`, nowhere else.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from xstilts.paths import BadInput
from xstilts.records import check_known, check_numbers, named


@dataclass(frozen=True)
class Recipe:
    """Training data, and the hyper-parameters that differ from the paper's.

    `after` names the recipe whose encoder this one starts from. Several `tasks` are mixed, one
    task per optimiser step, drawn in proportion to `min(size, cap) ** (1 / temperature)`.

    `mlm` is the share of all updates that are masked language modelling instead, on running text
    in the languages `mlm_text` (none: all available) and on the subjects `mlm_domains` (none: all);
    with 1.0 the tasks only determine the number of updates. With `align` "coral" these updates do
    not predict masked tokens: they make the covariances of English task texts and of that running
    text alike. `select` "last" keeps the last weights, not the best on English dev.

    `translate` lists the languages in which the English training rows are read, English only if
    `en` is among them; "all" is English and every language available. Several languages share the
    rows: there are as many updates as in English alone, and each row is read in as many of them as
    there are epochs. `errors` is the rate of wrong words in the synthetic world's translations (see
    `world.translation`). Dev stays English.

    `concat=n` lengthens the longer text of each example (premise, context, sentence) by joining it
    with those of n-1 others, cut at `max_len` as usual.

    `examples` keeps the first n training rows of each task; `domains` keeps those whose `domain` is
    one of these (both: the first n of them). With `nearest` ("task" or "task/domain", stock tasks)
    they are those whose vocabulary is most similar to its English training rows. Dev stays whole.

    Controls, which `arms` makes: `scramble` "words" shuffles the words of every text, "labels"
    shuffles the training labels; `hide` empties a column (`text_a`: hypothesis only; `context`:
    choices only; `question`).
    """

    name: str
    tasks: tuple[str, ...] = ()
    after: str | None = None
    mlm: float = 0.0
    mlm_text: tuple[str, ...] = ()
    mlm_domains: tuple[str, ...] = ()
    align: str | None = None
    select: str | None = None
    translate: tuple[str, ...] = ()
    errors: float = 0.0
    concat: int = 1
    scramble: str | None = None
    hide: str | None = None
    examples: int | None = None
    domains: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()
    cap: int | None = None
    temperature: float = 1.0
    epochs: float | None = None
    updates: int | None = None
    lr: float | None = None
    batch: int | None = None
    max_len: int | None = None


SCRAMBLES = ("words", "labels")
SELECTS = ("dev", "last")
ALIGNS = ("coral",)
HIDEABLE = {"classify": ("text_a", "text_b"), "choose": ("context",), "span": ("question",)}

NONE = Recipe("none")
SINGLE = (
    Recipe("anli", tasks=("snli", "mnli", "anli_r1", "anli_r2", "anli_r3")),  # the paper's ANLI+
    *(Recipe(task, tasks=(task,)) for task in
      ("mnli", "qqp", "squad_v2", "squad_v1", "hellaswag", "ccg", "cosmosqa", "csqa")),
)  # fmt: skip
MULTI = Recipe("multi", tasks=tuple(dict.fromkeys(t for r in SINGLE for t in r.tasks)))
FINE_TUNING = tuple(
    Recipe(task, tasks=(task,))
    for task in ("pawsx", "udpos", "panx", "tydiqa", "copa", "lareqa", "mewslix", "siqa")
)
MLM = Recipe("mlm", tasks=("mnli",), mlm=1.0)  # as many updates as MNLI, on running text alone
TRANSLATED = Recipe("mnli-translated", tasks=("mnli",), translate=("all",))
SIQA_COPA = Recipe("siqa-copa", tasks=("copa",), after="siqa")

RECIPES = {r.name: r for r in (NONE, *SINGLE, MULTI, MLM, TRANSLATED, *FINE_TUNING, SIQA_COPA)}


def recipe(name: str, known: Iterable[Recipe] = ()) -> Recipe:
    """The recipe called `name`, a grid's own (`known`) before the stock ones."""
    return named(name, RECIPES, known, "recipe")


def check(recipe: Recipe, tasks: Iterable) -> None:
    """Raises BadInput if a recipe does not fit these task records."""
    where = f"recipe '{recipe.name}'"
    check_numbers(vars(recipe), where)
    for key, known in (("scramble", SCRAMBLES), ("select", SELECTS), ("align", ALIGNS)):
        if getattr(recipe, key) is not None:
            check_known(getattr(recipe, key), known, where, key)
    for task in tasks if recipe.hide else ():
        known = HIDEABLE.get(task.form, ())
        check_known(recipe.hide, known, f"{where}, task '{task.name}'", "column to hide")
    retrieval = any(task.form == "pairs" for task in tasks)
    for wrong, words in (
        (recipe.errors and not set(recipe.translate) - {"en"},
         "errors without 'translate', which names languages"),
        (retrieval and (recipe.concat > 1 or recipe.domains or recipe.nearest or recipe.scramble),
         "retrieval's queries and candidates stay together: no concat, domains, nearest, scramble"),
        (recipe.align and not 0 < recipe.mlm < 1,
         "align takes the share 'mlm' of the updates: more than 0, less than 1"),
        (recipe.nearest and (recipe.examples is None or recipe.translate),
         "nearest chooses 'examples' rows, in English"),
    ):  # fmt: skip
        if wrong:
            raise BadInput(f"{where}: {words}")
