"""The three tasks that XTREME-R adds: XCOPA, LAReQA and Mewsli-X."""

from xstilts.tasks.intermediate import COPA, TRAIN_DEV
from xstilts.tasks.record import Hub, Task

XQUAD_R = "take LAReQA's xquad-r files: SQuAD's columns and sentence_breaks [[start, end], ...]"
MEWSLI = "build it with Google's Mewsli-X scripts: mentions in context and entity descriptions"

XCOPA = Task(
    name="xcopa",
    title="XCOPA",
    form="choose",
    labels=("0", "1"),
    langs={"xtreme-r": ("et", "ht", "id", "it", "qu", "sw", "ta", "th", "tr", "vi", "zh")},
    train={"xtreme-r": "copa"},
    hub=(Hub("cambridgeltl/xcopa", "{code}", {"dev": "validation", "test": "test"}),),
    columns=COPA.columns,
    world="xcopa",
    max_len=128,
    cite="ponti2020xcopa",
)
LAREQA = Task(
    name="lareqa",
    title="LAReQA",
    form="pairs",
    metric="map@20",
    langs={"xtreme-r": ("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh")},
    train={"xtreme-r": "lareqa"},
    hub=(Hub("x-stilts/xquad-r", "xquad-r.{code}", {"test": "validation"}, local=XQUAD_R),
         Hub("rajpurkar/squad", "plain_text", TRAIN_DEV, langs=("en",))),
    columns={"question": "question", "context": "context", "answers": "answers"},
    shape="answers",
    world="lareqa",
    cite="roy2020lareqa",
)  # fmt: skip
MEWSLIX = Task(
    name="mewslix",
    title="Mewsli-X",
    form="pairs",
    metric="map@20",
    langs={"xtreme-r": ("ar", "de", "en", "es", "fa", "ja", "pl", "ro", "ta", "tr", "uk")},
    train={"xtreme-r": "mewslix"},
    hub=(Hub("x-stilts/mewslix", "{code}", TRAIN_DEV | {"test": "test"}, local=MEWSLI),),
    world="mewslix",
    max_len=64,
    cite="ruder2021xtremer",
)

TASKS = (XCOPA, LAREQA, MEWSLIX)
