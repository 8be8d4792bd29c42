"""What names and numbers in a grid may be: names become folders, numbers decide a training.

A number of the right type can still be one that no training survives, or survives without
learning anything. Every error is a BadInput that starts with `where`.
"""

import re
from collections.abc import Mapping

from xstilts.paths import BadInput

NAME = re.compile(r"\w[\w.+@-]{0,63}")
SEEDS = 2**32  # below: with every step's number they must still fit torch's generator
COUNTS = ("batch", "updates", "examples", "eval_examples", "evaluate_every", "patience", "cap",
          "tokens", "mlm_batch", "devices")  # fmt: skip
ABOVE_ZERO = ("lr", "epochs", "temperature", "clip", "minutes")
SHARES = ("warmup", "weight_decay")
LEAST = {"max_len": 8, "layer": 0}  # word pieces: specials and a few more
PRECISIONS = ("fp32", "bf16")


def check_name(name: str, what: str, where: str) -> None:
    """A name that is safe as a folder, on a command line and in a pattern of file names."""
    if not NAME.fullmatch(name):
        raise BadInput(f"{where}: {what} {name!r:.40}: a name is letters, digits and _ . + @ -, "
                       "64 at most, the first a letter or digit")  # fmt: skip


def check_numbers(values: Mapping, where: str) -> None:
    """Refuse what is out of range among `values`; None stands for "not said"."""
    for name, value in values.items():
        if value is None:
            continue
        if name in COUNTS and (type(value) is not int or value < 1):
            raise BadInput(f"{where}: {name} {value}: a whole number from 1")
        if name in ABOVE_ZERO and not 0 < value < float("inf"):
            raise BadInput(f"{where}: {name} {value}: a number above 0")
        if name in SHARES and not 0 <= value <= 1:
            raise BadInput(f"{where}: {name} {value}: a share between 0 and 1")
        if name in LEAST and (type(value) is not int or value < LEAST[name]):
            raise BadInput(f"{where}: {name} {value}: a whole number from {LEAST[name]}")
        if name == "precision" and value not in PRECISIONS:
            raise BadInput(f"{where}: precision '{value}': known: {', '.join(PRECISIONS)}")
