"""English tasks to train on: the paper's nine and XTREME-R's Social IQa and COPA.

ANLI+ is five records behind one recipe. None belongs to a suite; the fine-tuning sets of XNLI,
XQuAD and MLQA (MNLI and SQuAD v1.1) are here too, once.
"""

from xstilts.tasks.record import Hub, Task

NLI = ("entailment", "neutral", "contradiction")  # the order of every NLI set on the hub
PREMISE = {"text_a": "premise", "text_b": "hypothesis"}
TRAIN_DEV = {"train": "train", "dev": "validation"}
LDC = "CCGbank is licensed by the LDC (LDC2005T13) and on no hub"

SNLI = Task(
    name="snli",
    title="SNLI",
    form="classify",
    labels=NLI,
    hub=(Hub("stanfordnlp/snli", "plain_text", TRAIN_DEV | {"test": "test"}),),
    columns=PREMISE,
    world="snli",
    cite="bowman2015snli",
)
MNLI = Task(
    name="mnli",
    title="MNLI",
    form="classify",
    labels=NLI,
    hub=(Hub("nyu-mll/glue", "mnli", {"train": "train", "dev": "validation_matched"}),),
    columns=PREMISE | {"id": "idx"},
    world="mnli",
    translated="xnli",
    cite="williams2018mnli",
)
ANLI = tuple(
    Task(
        name=f"anli_r{n}",
        title=f"ANLI R{n}",
        form="classify",
        labels=NLI,
        hub=(Hub("facebook/anli", "plain_text",
                 {"train": f"train_r{n}", "dev": f"dev_r{n}", "test": f"test_r{n}"}),),
        columns=PREMISE | {"id": "uid"},
        world=f"anli_r{n}",
        cite="nie2020anli",
    )
    for n in (1, 2, 3)
)  # fmt: skip
QQP = Task(
    name="qqp",
    title="QQP",
    form="classify",
    labels=("not_duplicate", "duplicate"),
    hub=(Hub("nyu-mll/glue", "qqp", TRAIN_DEV),),
    columns={"id": "idx", "text_a": "question1", "text_b": "question2"},
    world="qqp",
    cite="iyer2017qqp",
)
SQUAD_V1 = Task(
    name="squad_v1",
    title="SQuAD v1.1",
    form="span",
    metric="squad",
    hub=(Hub("rajpurkar/squad", "plain_text", TRAIN_DEV),),
    world="squad_v1",
    max_len=384,
    cite="rajpurkar2016squad",
)
SQUAD_V2 = Task(
    name="squad_v2",
    title="SQuAD v2.0",
    form="span",
    metric="squad_v2",
    hub=(Hub("rajpurkar/squad_v2", "squad_v2", TRAIN_DEV),),
    world="squad_v2",
    max_len=384,
    cite="rajpurkar2018squad2",
)
HELLASWAG = Task(
    name="hellaswag",
    title="HellaSwag",
    form="choose",
    labels=("0", "1", "2", "3"),
    hub=(Hub("Rowan/hellaswag", "default", TRAIN_DEV),),
    columns={"id": "ind", "context": "ctx_a",
             "choices": tuple(f"{{ctx_b}} {{endings[{n}]}}" for n in range(4))},
    world="hellaswag",
    cite="zellers2019hellaswag",
)  # fmt: skip
CCG = Task(
    name="ccg",
    title="CCG",
    form="tag",
    metric="token_accuracy",
    hub=(Hub("x-stilts/ccg", "default", TRAIN_DEV, local=LDC),),
    world="ccg",
    cite="hockenmaier2007ccgbank",
)
COSMOSQA = Task(
    name="cosmosqa",
    title="Cosmos QA",
    form="choose",
    labels=("0", "1", "2", "3"),
    hub=(Hub("allenai/cosmos_qa", "default", TRAIN_DEV),),
    columns={"context": "{context} {question}",
             "choices": ("answer0", "answer1", "answer2", "answer3")},
    world="cosmosqa",
    cite="huang2019cosmosqa",
)  # fmt: skip
CSQA = Task(
    name="csqa",
    title="CommonsenseQA",
    form="choose",
    labels=("A", "B", "C", "D", "E"),
    hub=(Hub("tau/commonsense_qa", "default", TRAIN_DEV),),
    columns={"context": "question", "choices": "choices.text", "label": "answerKey"},
    world="csqa",
    cite="talmor2019commonsenseqa",
)
SIQA = Task(
    name="siqa",
    title="Social IQa",
    form="choose",
    labels=("1", "2", "3"),
    hub=(Hub("allenai/social_i_qa", "default", TRAIN_DEV),),
    columns={"context": "{context} {question}", "choices": ("answerA", "answerB", "answerC")},
    world="siqa",
    max_len=128,
    cite="sap2019siqa",
)
COPA = Task(
    name="copa",
    title="COPA",
    form="choose",
    labels=("0", "1"),
    hub=(Hub("aps/super_glue", "copa", TRAIN_DEV),),
    columns={"id": "idx", "context": "{premise} What was the {question}?",
             "choices": ("choice1", "choice2")},
    world="copa",
    max_len=128,
    cite="roemmele2011copa",
)  # fmt: skip

TASKS = (
    SNLI, MNLI, *ANLI, QQP, SQUAD_V1, SQUAD_V2, HELLASWAG, CCG, COSMOSQA, CSQA, SIQA, COPA,
)  # fmt: skip
