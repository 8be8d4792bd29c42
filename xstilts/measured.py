"""What each group of measures reads: (task, split) pairs, which decide what a run depends on."""

from itertools import product

from xstilts.recipes import MULTI
from xstilts.tasks import SETS, TASKS

NEUTRAL = {"classify": "pawsx", "span": "xquad"}  # the same texts of that form in each language
COMPARED = (("squad_v1", "train", "tydiqa"), ("mnli", "train", "xnli"), ("xnli", "test", "xnli"))
PARALLEL = (("xnli", "dev"), ("tatoeba", "test"))
MEASURED = {  # (task, split) pairs that a group of measures reads in all languages
    "text": PARALLEL, "space": PARALLEL,
    "domains": tuple(dict.fromkeys((*((name, split) for name, split, _ in COMPARED),
                                    *((name, "test") for _, _, name in COMPARED),
                                    *((name, "test") for name in NEUTRAL.values())))),
}  # fmt: skip
ENGLISH = {  # those that a group reads in English alone
    "overlap": tuple((task.name, split) for task in TASKS.values()
                     for split in ("train", *["test"] * bool(task.train))),
    "few": tuple(product(SETS, ("train", "dev"))),
    "likeness": tuple(product(dict.fromkeys((*MULTI.tasks, *SETS)), ("train", "dev"))),
}  # fmt: skip
