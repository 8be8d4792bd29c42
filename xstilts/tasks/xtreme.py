"""XTREME's nine tasks, with XTREME-R's list of languages, often longer, where that suite has them.

Language lists are in the order of XTREME's own scorer (its averages add in that order).
"""

from xstilts.tasks.intermediate import NLI, PREMISE
from xstilts.tasks.record import Hub, Task, in_both

POS = "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X"
IOB = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
UD_XTREME = ("af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko mr nl pt ru ta te th tl "
             "tr ur vi yo zh")  # fmt: skip
UD_MORE = "lt pl uk wo ro"
PANX_XTREME = ("ar he vi id jv ms tl eu ml ta te af nl en de el bn hi mr ur fa fr it pt es bg ru "
               "ja ka ko th sw yo my zh kk tr et fi hu")  # fmt: skip
PANX_MORE = "qu pl uk az lt pa gu ro"
TATOEBA_XTREME = ("ar he vi id jv tl eu ml ta te af nl de el bn hi mr ur fa fr it pt es bg ru ja "
                  "ka ko th sw zh kk tr et fi hu")  # fmt: skip
TATOEBA_MORE = "az lt pl uk ro"
ALL_SPLITS = {"train": "train", "dev": "validation", "test": "test"}
POOLS = ("the hub has the gold pairs only; write the BUCC 2018 sentences of both sides as columns "
         "id, sentence")  # fmt: skip

XNLI = Task(
    name="xnli",
    title="XNLI",
    form="classify",
    labels=NLI,
    langs=in_both("ar bg de el en es fr hi ru sw th tr ur vi zh"),
    train={"xtreme": "mnli", "xtreme-r": "mnli"},
    hub=(Hub("facebook/xnli", "{code}", ALL_SPLITS),),
    columns=PREMISE,
    world="xnli",
    cite="conneau2018xnli",
)
PAWSX = Task(
    name="pawsx",
    title="PAWS-X",
    form="classify",
    labels=("0", "1"),
    langs={"xtreme": ("de", "en", "es", "fr", "ja", "ko", "zh")},
    train={"xtreme": "pawsx"},
    hub=(Hub("google-research-datasets/paws-x", "{code}", ALL_SPLITS),),
    columns={"text_a": "sentence1", "text_b": "sentence2"},
    world="pawsx",
    translated="pawsx",
    cite="yang2019pawsx",
)
UDPOS = Task(
    name="udpos",
    title="UD-POS",
    form="tag",
    metric="chunk_f1",
    labels=tuple(POS.split()),
    langs=in_both(UD_XTREME, UD_MORE),
    train={"xtreme": "udpos", "xtreme-r": "udpos"},
    hub=(Hub("google/xtreme", "udpos.{name}", ALL_SPLITS, langs=tuple(UD_XTREME.split())),
         Hub("universal-dependencies/universal_dependencies", "{treebank}", ALL_SPLITS,
             langs=tuple(UD_MORE.split()), columns={"id": "idx", "tags": "upos"})),
    columns={"tags": "pos_tags"},
    world="udpos",
    cite="nivre2018ud",
)  # fmt: skip
PANX = Task(
    name="panx",
    title="PAN-X",
    form="tag",
    metric="chunk_f1",
    labels=IOB,
    langs=in_both(PANX_XTREME, PANX_MORE),
    train={"xtreme": "panx", "xtreme-r": "panx"},
    hub=(Hub("google/xtreme", "PAN-X.{code}", ALL_SPLITS, langs=tuple(PANX_XTREME.split())),
         Hub("unimelb-nlp/wikiann", "{code}", ALL_SPLITS, langs=tuple(PANX_MORE.split()))),
    columns={"tags": "ner_tags"},
    world="panx",
    cite="pan2017wikiann",
)  # fmt: skip
XQUAD = Task(
    name="xquad",
    title="XQuAD",
    form="span",
    metric="squad",
    langs=in_both("en es de el ru tr ar vi th zh hi", "ro"),
    train={"xtreme": "squad_v1", "xtreme-r": "squad_v1"},
    hub=(Hub("google/xquad", "xquad.{code}", {"test": "validation"}),),
    world="xquad",
    max_len=384,
    cite="artetxe2020xquad",
)
MLQA = Task(
    name="mlqa",
    title="MLQA",
    form="span",
    metric="mlqa",
    langs=in_both("en es de ar hi vi zh"),
    train={"xtreme": "squad_v1", "xtreme-r": "squad_v1"},
    hub=(Hub("facebook/mlqa", "mlqa.{code}.{code}", {"dev": "validation", "test": "test"}),),
    world="mlqa",
    max_len=384,
    cite="lewis2020mlqa",
)
TYDIQA = Task(
    name="tydiqa",
    title="TyDiQA-GoldP",
    form="span",
    metric="squad",
    langs=in_both("en ar bn fi id ko ru sw te"),
    train={"xtreme": "tydiqa", "xtreme-r": "tydiqa"},
    hub=(Hub("google-research-datasets/tydiqa", "secondary_task",
             {"train": "train", "dev": "train", "test": "validation"},
             keep=("id", "{name}-"), hold_out="context"),),
    world="tydiqa",
    max_len=384,
    cite="clark2020tydiqa",
)  # fmt: skip
_BUCC, _POOL = {"dev": "validation", "test": "test"}, {"text": "sentence"}
BUCC = Task(
    name="bucc2018",
    title="BUCC 2018",
    form="pairs",
    metric="pairs",
    langs={"xtreme": ("de", "fr", "ru", "zh")},
    hub=(Hub("google/xtreme", "bucc18.{code}", _BUCC,
             columns={"source": "source_lang", "target": "target_lang"}),
         Hub("x-stilts/bucc2018", "{code}-en.{code}", _BUCC, columns=_POOL, local=POOLS),
         Hub("x-stilts/bucc2018", "{code}-en.en", _BUCC, columns=_POOL, local=POOLS)),
    shape="mining",
    world="bucc",
    max_len=512,
    cite="zweigenbaum2018bucc",
)  # fmt: skip
TATOEBA = Task(
    name="tatoeba",
    title="Tatoeba",
    form="pairs",
    langs=in_both(TATOEBA_XTREME, TATOEBA_MORE),
    hub=(Hub("google/xtreme", "tatoeba.{iso3}", {"test": "validation"},
             langs=tuple(TATOEBA_XTREME.split())),
         Hub("mteb/tatoeba-bitext-mining", "default", {"test": "test"},
             langs=tuple(TATOEBA_MORE.split()), keep=("lang", "{iso3}-eng"),
             columns={"text": "sentence1", "english": "sentence2"})),
    columns={"text": "source_sentence", "english": "target_sentence"},
    shape="bitext",
    world="tatoeba",
    max_len=512,
    cite="artetxe2019laser",
)  # fmt: skip

TASKS = (XNLI, PAWSX, UDPOS, PANX, XQUAD, MLQA, TYDIQA, BUCC, TATOEBA)
