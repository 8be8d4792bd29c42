"""Every reading on small files of its own, then every record x language x split of real data."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from datasets import ClassLabel, Dataset, Features, List, Value
from hypothesis import given
from hypothesis import strategies as st

from xstilts import data, readings, sources
from xstilts.languages import languages
from xstilts.paths import BadInput, MissingData
from xstilts.tasks import TASKS, Task

HUB = Path(__file__).resolve().parents[2] / "shared" / "hub"
TEXT = Value("string")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A function that writes a split into an empty folder like the hub."""
    monkeypatch.setenv("XSTILTS_HUB", str(tmp_path))

    def write(where: str, *rows: dict, **features) -> Path:
        path = tmp_path / f"{where}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        table = Dataset.from_list(list(rows), features=Features(features) if features else None)
        table.to_parquet(path)
        return path

    return write


def load(name, split, lang="en", **more):
    return data.load(TASKS[name], split, lang, data="hub", **more).to_list()


def test_class_numbers_become_labels_whatever_their_order(hub):
    rows = [{"premise": f" p{n} ", "hypothesis": "h", "label": n} for n in (0, 1, -1, 2)]
    hub("facebook/xnli/de/test-00000-of-00001", *rows, premise=TEXT, hypothesis=TEXT,
        label=ClassLabel(names=["neutral", "entailment", "contradiction"]))  # fmt: skip
    assert load("xnli", "test", "de") == [
        {"id": "0", "text_a": "p0", "text_b": "h", "label": "neutral"},
        {"id": "1", "text_a": "p1", "text_b": "h", "label": "entailment"},
        {"id": "3", "text_a": "p2", "text_b": "h", "label": "contradiction"},
    ]
    assert len(load("xnli", "test", "de", limit=2)) == 2


def test_an_unknown_label_a_null_and_a_lacking_column_are_named(hub):
    row = {"id": 7, "sentence1": "a", "sentence2": "b", "label": "1"}
    for lang, rows, words in (
        ("de", [row | {"label": "2"}], "id 7: label '2' is none of 0, 1"),
        ("fr", [row, row | {"sentence2": None}], "row 2: 'sentence2' is empty"),
        ("es", [{"id": 7, "sentence1": "a", "label": "1"}],
         "no column 'sentence2', which pawsx reads as 'text_b'; it has id, sentence1, label"),
    ):  # fmt: skip
        at = hub(f"google-research-datasets/paws-x/{lang}/test", *rows)
        with pytest.raises(BadInput) as error:
            load("pawsx", "test", lang)
        assert str(error.value) in (f"{at}: {words}", f"{at}, {words}")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"""Angel Eyes"" is a song."', '"Angel Eyes" is a song.'),
        ('"One," he said, "two."', '"One," he said, "two."'),
        ('"Alone"', '"Alone"'),
        ("  plain \n", "plain"),
        ('"', '"'),
    ],
)
def test_quotes_of_a_csv_writer_are_undone_and_others_kept(written, meant):
    assert readings.clean(written) == meant


CHOICES = [  # task, split, language, table; a row as it lies; context, choices and label as read
    ("xcopa", "test", "sw", "cambridgeltl/xcopa/sw/test",
     {"premise": "P.", "question": "cause", "choice1": "a", "choice2": "b", "label": 1},
     ("P. What was the cause?", ["a", "b"], 1)),
    ("hellaswag", "train", "en", "Rowan/hellaswag/data/train-00000-of-00001",
     {"ctx_a": "A.", "ctx_b": "", "endings": ["w", "x", "y", "z"], "label": "2"},
     ("A.", ["w", "x", "y", "z"], 2)),
    ("hellaswag", "train", "en", "Rowan/hellaswag/data/train-00000-of-00001",
     {"ctx_a": "A.", "ctx_b": "then", "endings": ["w", "x", "y", "z"], "label": "0"},
     ("A.", ["then w", "then x", "then y", "then z"], 0)),
    ("csqa", "dev", "en", "tau/commonsense_qa/default/validation",
     {"question": "Q?", "choices": {"label": list("ABCDE"), "text": list("vwxyz")},
      "answerKey": "E"}, ("Q?", list("vwxyz"), 4)),
    ("siqa", "train", "en", "allenai/social_i_qa/default/train",
     {"context": "C.", "question": "Q?", "answerA": "a", "answerB": "b", "answerC": "c",
      "label": "1"}, ("C. Q?", ["a", "b", "c"], 0)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "split", "lang", "where", "row", "read"), CHOICES)
def test_choices_come_from_columns_templates_and_nested_lists(
    name, split, lang, where, row, read, hub
):
    hub(where, row)
    (found,) = load(name, split, lang)
    assert found == {"id": "0"} | dict(zip(("context", "choices", "label"), read, strict=True))


def test_words_lose_what_would_break_them_in_two_and_keep_their_tags(hub):
    features = {"tokens": List(TEXT), "pos_tags": List(ClassLabel(names=["ADJ", "NUM", "X"]))}
    hub("google/xtreme/udpos.Persian/test",
        {"tokens": ["20 000", "می\u200cرود", "\u200c"], "pos_tags": [1, 0, 2]},
        **features)  # fmt: skip
    assert load("udpos", "test", "fa") == [
        {"id": "0", "tokens": ["20000", "میرود", "\u200c"], "tags": ["NUM", "ADJ", "X"]}
    ]
    at = hub("google/xtreme/udpos.Hindi/test", {"tokens": ["a", "b"], "pos_tags": [1]}, **features)
    with pytest.raises(BadInput, match=f"{at}, id 0: 2 words, 1 tags"):
        load("udpos", "test", "hi")


def test_tags_without_a_list_of_labels_take_those_of_the_training_split(hub):
    hub("x-stilts/ccg/default/train", {"tokens": ["a", "b"], "tags": ["S/NP", "NP"]})
    assert data.labelled(TASKS["ccg"], data="hub").labels == ("NP", "S/NP")
    assert data.labelled(TASKS["udpos"], data="hub") is TASKS["udpos"]


def qa(at, context, *answers):
    found = {"text": [a for a, _ in answers], "answer_start": [s for _, s in answers]}
    return {"id": at, "title": "T", "context": context, "question": " Q? ", "answers": found}


def test_answers_stand_where_their_offsets_say(hub):
    given = [("ab", 1), ("ab", 3), ("ab", 0), ("no", 0), ("b", -1)]
    hub("google/xquad/xquad.zh/validation", qa("a", " ab ab", *given), qa("b", "x"))
    one, two = load("xquad", "test", "zh")
    assert one == {"id": "a", "question": "Q?", "context": " ab ab",
                   "answers": {"text": ["ab", "ab", "ab", "no", "b"],
                               "answer_start": [1, 4, 1, -1, 2]}}  # fmt: skip
    assert two["answers"] == {"text": [], "answer_start": []}


@given(st.text("ab ", max_size=12), st.text("ab", min_size=1, max_size=3), st.integers(-3, 15))
def test_an_answer_settles_on_its_nearest_occurrence(context, answer, start):
    there = [at for at in range(len(context)) if context[at : at + len(answer)] == answer]
    at = readings.settle(context, answer, start)
    assert (at in there) == (answer in context)
    if start in there:
        assert at == start


def test_tydiqa_keeps_one_language_and_holds_a_fixed_part_out_for_dev(hub):
    rows = [qa(f"english-{n}", f"paragraph {n // 3}", ("p", 0)) for n in range(300)]
    hub("google-research-datasets/tydiqa/secondary_task/train", *rows, qa("finnish-1", "p"))
    train, dev = load("tydiqa", "train"), load("tydiqa", "dev")
    assert {r["id"] for r in train} | {r["id"] for r in dev} == {r["id"] for r in rows}
    assert not {r["context"] for r in train} & {r["context"] for r in dev}
    assert 10 < len(dev) < 60


def pair(at, side, text, *gold):
    return {"id": at, "side": side, "text": text, "gold": list(gold)}


def test_tatoeba_s_queries_are_english_in_string_order(hub):
    both = [("Zwei.\n", "Two.\n"), ("Eins.\n", "One.\n"), ("eins.\n", "One.\n")]
    hub("google/xtreme/tatoeba.deu/validation",
        *({"source_sentence": de, "target_sentence": en} for de, en in both))  # fmt: skip
    assert load("tatoeba", "test", "de") == [
        pair("en-0", "query", "One.", "1"),
        pair("en-1", "query", "One.", "2"),
        pair("en-2", "query", "Two.", "0"),
        pair("0", "candidate", "Zwei."),
        pair("1", "candidate", "Eins."),
        pair("2", "candidate", "eins."),
    ]
    assert [r["id"] for r in load("tatoeba", "test", "de", limit=1)] == ["en-0", "0", "1", "2"]


def test_tatoeba_s_further_languages_share_one_table(hub):
    hub("mteb/tatoeba-bitext-mining/default/test",
        {"sentence1": "Du.", "sentence2": "Two.", "lang": "lit-eng"},
        {"sentence1": "Dwa.", "sentence2": "Two.", "lang": "pol-eng"})  # fmt: skip
    assert [r["text"] for r in load("tatoeba", "test", "pl")] == ["Two.", "Dwa."]


def test_bucc_joins_gold_pairs_with_all_sentences(hub):
    hub("google/xtreme/bucc18.zh/validation",
        {"source_sentence": "二", "target_sentence": "two", "source_lang": "zh-2",
         "target_lang": "en-1"})  # fmt: skip
    with pytest.raises(MissingData, match="no x-stilts/bucc2018 in .*gold pairs only"):
        load("bucc2018", "dev", "zh")
    sentences = {"zh": {"zh-1": "一", "zh-2": "二"}, "en": {"en-1": "two", "en-2": "one hundred"}}

    def write(side, **dropped):
        rows = [{"id": at, "sentence": said} for at, said in sentences[side].items()]
        hub(f"x-stilts/bucc2018/zh-en.{side}/validation",
            *(row for row in rows if row["id"] != dropped.get("but")))  # fmt: skip

    for side in sentences:
        write(side)
    assert load("bucc2018", "dev", "zh") == [
        pair("zh-1", "query", "一"),
        pair("zh-2", "query", "二", "en-1"),
        pair("en-1", "candidate", "two"),
        pair("en-2", "candidate", "one hundred"),
    ]
    for side, at in (("zh", "zh-2"), ("en", "en-1")):
        write(side, but=at)
        with pytest.raises(BadInput, match=f"'{at}' is not among the sentences of .*{side}/val"):
            load("bucc2018", "dev", "zh")
        write(side)


def test_lareqa_s_right_answers_are_in_every_language(hub):
    both = replace(TASKS["lareqa"], langs={"xtreme-r": ("de", "en")})
    for lang, context in (("de", "Eins. Zwei.\nDrei."), ("en", "One. Two.\nThree.")):
        one, two = context.index(".") + 1, context.index("\n")
        row = qa("q", context, (context[one + 1], one + 1))
        row["sentence_breaks"] = [[0, one], [one + 1, two], [two + 1, len(context)]]
        hub(f"x-stilts/xquad-r/xquad-r.{lang}/validation", row)
    rows = data.load(both, "test", "en", data="hub").to_list()
    assert rows[0] == pair("q", "query", "Q?", "en_0_1", "de_0_1")
    assert [r["id"] for r in rows[1:]] == ["en_0_0", "en_0_1", "en_0_2"]
    assert rows[2]["text"] == "Two.One. Two.Three."
    assert len(data.needed(both, "test", "en")) == 2


def test_pairs_without_the_ids_that_gold_refers_to_are_refused(hub):
    query = {"side": "query", "text": "a", "gold": "Q1 Q2"}
    hub("x-stilts/mewslix/de/test", query)
    with pytest.raises(BadInput, match="no column 'id', which mewslix reads as 'id'"):
        load("mewslix", "test", "de")
    hub("x-stilts/mewslix/tr/test", query | {"id": "m"},
        {"id": "Q1", "side": "candidate", "text": "b", "gold": ""})  # fmt: skip
    assert [row["gold"] for row in load("mewslix", "test", "tr")] == [["Q1", "Q2"], []]


def test_lareqa_trains_on_squad_s_sentences(hub):
    hub("rajpurkar/squad/plain_text/train", qa("a", 'It is. "Is it?" So it is', ("Is", 8)),
        qa("b", "Another one here.", ("one", 8)))  # fmt: skip
    rows = load("lareqa", "train")
    assert [(r["id"], r["gold"]) for r in rows[:2]] == [("a", ["en_0_1"]), ("b", ["en_1_0"])]
    assert rows[2]["text"] == '"Is it?"It is. "Is it?" So it is'
    assert len(rows) == 4


def test_a_task_with_files_of_its_own(tmp_path):
    own = Task("own", "Own", "classify", labels=("no", "yes"), langs={"mine": ("en", "qrr")},
               columns={"text_b": "", "domain": "genre"},
               files={"train": str(tmp_path / "train.tsv"), "test": str(tmp_path / "{code}.csv"),
                      "dev": str(tmp_path / "dev.jsonl")})  # fmt: skip
    (tmp_path / "train.tsv").write_text("text_a\tgenre\tlabel\nhello\tnews\tyes\n")
    (tmp_path / "qrr.csv").write_text('id,text_a,genre,label\n9,"a ""b"", c",web,no\n')
    row = {"text_a": "hello", "genre": "news", "label": "yes"}
    (tmp_path / "dev.jsonl").write_text(json.dumps(row) + "\n")
    for source in ("hub", "world"):
        assert data.load(own, "test", "qrr", data=source).to_list() == [
            {"id": "9", "text_a": 'a "b", c', "text_b": "", "label": "no", "domain": "web"}
        ]
    for split in ("train", "dev"):
        assert data.load(own, split, "en", data="hub")["text_a"][:] == ["hello"]
    with pytest.raises(MissingData, match=r"own, test, 'en': no file .*en.csv \(columns: text_a"):
        data.load(own, "test", "en", data="hub")
    with pytest.raises(MissingData, match="no 'de' among its languages, en qrr"):
        data.load(own, "test", "de", data="hub")
    (tmp_path / "qrr.csv").write_text("id,text_a,genre,label\n9,x,web,maybe\n")
    with pytest.raises(BadInput, match="qrr.csv, id 9: label 'maybe' is none of no, yes"):
        data.load(own, "test", "qrr", data="hub")


def test_errors_are_drawn_into_the_world_s_translations_only(world_cache):
    (row,) = data.load(TASKS["copa"], "train", "qaa", data="world", limit=1, errors=0.1)
    assert row["id"] == "copa-train-0"
    with pytest.raises(BadInput, match="xnli: only the synthetic world's translations"):
        load("xnli", "train", "de", errors=0.1)


def test_lines_of_files_end_where_their_kind_has_it(tmp_path):
    files = {
        split: str(tmp_path / f"x.{end}") for split, end in (("train", "csv"), ("dev", "jsonl"))
    }
    own = Task("own", "Own", "tag", files=files)
    (tmp_path / "x.csv").write_text("tokens,tags\na b,X Y\na,X,Y\n")
    with pytest.raises(BadInput, match="x.csv, line 3: more fields than the header names"):
        data.load(own, "train", "en", data="hub")
    (tmp_path / "x.csv").write_text("tokens,tags\na b,X Y\n")
    assert data.load(own, "train", "en", data="hub")[0]["tags"] == ["X", "Y"]
    (tmp_path / "x.jsonl").write_text('{"tokens": "a\u2028b c", "tags": "X Y Z"}')
    assert data.load(own, "dev", "en", data="hub")["tokens"][0] == ["a", "b", "c"]


@pytest.mark.parametrize("name", ["ccg", "mewslix", "lareqa"])
def test_what_no_hub_has_says_what_to_put_where(name, monkeypatch, tmp_path):
    record = TASKS[name]
    monkeypatch.delenv("XSTILTS_HUB", raising=False)
    lang, split = ("en", "train") if name == "ccg" else ("de", "test")
    with pytest.raises(MissingData, match="XSTILTS_HUB, a folder like the hub, is not set"):
        data.load(record, split, lang, data="hub")
    monkeypatch.setenv("XSTILTS_HUB", str(tmp_path))
    with pytest.raises(MissingData) as error:
        data.load(record, split, lang, data="hub")
    assert f"expected {record.hub[0].repo}/" in str(error.value)
    columns = {"ccg": "tokens, tags", "mewslix": "side, text, gold"}
    assert str(error.value).endswith(columns.get(name, "question, context, answers"))


def test_a_repository_in_the_folder_is_read_from_there_only(hub, monkeypatch):
    monkeypatch.setattr(sources, "fetch", lambda source: pytest.fail("asked the hub"))
    hub("google/xtreme/PAN-X.de/test", {"tokens": ["a"], "ner_tags": ["O"]})
    with pytest.raises(MissingData, match="no google/xtreme 'PAN-X.th', split 'test' in "):
        load("panx", "test", "th")


def test_without_a_network_the_error_comes_at_once(monkeypatch):
    from huggingface_hub import constants

    monkeypatch.delenv("XSTILTS_HUB", raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(MissingData, match="127.0.0.1:1 cannot be reached and the cache lacks it"):
        load("qqp", "train")


def test_splits_languages_and_sources_that_do_not_exist():
    with pytest.raises(BadInput, match="unknown split 'validation'"):
        load("xnli", "validation")
    with pytest.raises(MissingData, match="no 'fi' among its languages"):
        load("xnli", "test", "fi")
    with pytest.raises(MissingData, match="xquad: no train split"):
        load("xquad", "train")
    with pytest.raises(MissingData, match="no 'de' in the synthetic world, en qaa"):
        data.load(TASKS["xnli"], "test", "de", data="world")


@pytest.fixture(scope="module")
def world_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XSTILTS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.mark.parametrize("name", TASKS)
def test_the_world_s_rows_are_what_the_record_says(name, world_cache):
    record = TASKS[name]
    langs = languages(record, "world")
    for lang in {langs[0], langs[-1]}:
        rows = data.load(record, "test" if record.langs else "dev", lang, data="world").to_list()
        sound(record, rows, f"{name} world {lang}")
        assert all("domain" in row for row in rows)


# The real slice

ABSENT = {  # (record, split) -> languages of the record that the slice lacks
    ("snli", "train"): {"en"}, ("snli", "dev"): {"en"},
    ("ccg", "train"): {"en"}, ("ccg", "dev"): {"en"},
    ("siqa", "train"): {"en"}, ("siqa", "dev"): {"en"},
    ("udpos", "dev"): {"kk", "th", "tl", "yo"},
    ("panx", "dev"): {"th"}, ("panx", "test"): {"th"},
    ("bucc2018", "dev"): {"de", "fr", "ru"}, ("bucc2018", "test"): {"de", "fr", "ru", "zh"},
    ("tatoeba", "test"): {"vi", "ka", "tr", "fi"},
    ("xcopa", "dev"): {"et", "vi"}, ("xcopa", "test"): {"et", "vi"},
    ("mewslix", "train"): {"en"},
    **{("mewslix", split): set(TASKS["mewslix"].langs["xtreme-r"]) for split in ("dev", "test")},
    **{(name, "dev"): {*TASKS[name].langs["xtreme-r"]} - {"en"} for name in ("tydiqa", "lareqa")},
    **{(f"anli_r{n}", "test"): {"en"} for n in (1, 2, 3)},
}  # fmt: skip


@pytest.fixture
def slice_of_hub(monkeypatch):
    if not HUB.is_dir():
        pytest.skip(f"no {HUB}")
    monkeypatch.setenv("XSTILTS_HUB", str(HUB))
    monkeypatch.setattr(sources, "fetch", _absent)


def _absent(source):
    raise MissingData(f"no {source.repo}")


@pytest.mark.parametrize("name", TASKS)
def test_every_language_and_split_of_the_slice_loads(name, slice_of_hub):
    record = TASKS[name]
    for split in {split for hub in record.hub for split in hub.splits}:
        absent = set()
        for lang in languages(record, "hub") if split != "train" else ("en",):
            try:
                rows = data.load(record, split, lang, data="hub").to_list()
            except MissingData:
                absent.add(lang)
            else:
                sound(record, rows, f"{name} {split} {lang}")
        assert absent == ABSENT.get((name, split), set()), split


TEXTS = {"classify": ("text_a", "text_b"), "choose": ("context",), "tag": (),
         "span": ("question",), "pairs": ("text",)}  # fmt: skip


def sound(task, rows, where):
    """Rows of one language are what the record says of them."""
    ids = [(row.get("side"), row["id"]) for row in rows]
    assert len(set(ids)) == len(ids), where
    for row in rows:
        for text in (row[name] for name in TEXTS[task.form]):
            assert text and text.strip() in (text, row.get("context", "").strip()), where
    _SOUND[task.form](task, rows, where)


def _classify(task, rows, where):
    assert {row["label"] for row in rows} == set(task.labels), where


def _choose(task, rows, where):
    assert {len(row["choices"]) for row in rows} == {len(task.labels)}, where
    assert {row["label"] for row in rows} == set(range(len(task.labels))), where


def _tag(task, rows, where):
    for row in rows:
        assert len(row["tokens"]) == len(row["tags"]) > 0 and all(row["tokens"]), where
        assert set(row["tags"]) <= set(task.labels or row["tags"]), where
    assert len({tag for row in rows for tag in row["tags"]}) > 3, where


def _span(task, rows, where):
    for row in rows:
        for text, start in zip(*row["answers"].values(), strict=True):
            assert row["context"].startswith(text, start), where
    unanswered = sum(not row["answers"]["text"] for row in rows) / len(rows)
    assert 0.3 < unanswered < 1 if task.metric == "squad_v2" else unanswered == 0, where


def _pairs(task, rows, where):
    gold = [row["gold"] for row in rows if row["side"] == "query"]
    assert any(gold) and (task.name == "bucc2018" or all(gold)), where
    home = tuple(where.split()[-1] + mark for mark in "_-")
    found = {one for some in gold for one in some if task.name != "lareqa" or one.startswith(home)}
    assert found and found <= {row["id"] for row in rows if row["side"] == "candidate"}, where


_SOUND = {"classify": _classify, "choose": _choose, "tag": _tag, "span": _span, "pairs": _pairs}


def test_the_slice_s_counts_are_those_of_its_own_table(slice_of_hub):
    for name, split, lang, count in (
        ("xnli", "test", "sw", 5010), ("pawsx", "test", "ja", 1930), ("panx", "train", "en", 20000),
        ("udpos", "test", "wo", 470), ("xquad", "test", "ro", 1190), ("mlqa", "test", "hi", 254),
        ("xcopa", "test", "qu", 500), ("qqp", "dev", "en", 4000), ("tatoeba", "test", "jv", 410),
        ("bucc2018", "dev", "zh", 8624 + 13589), ("tatoeba", "test", "az", 2000),
    ):  # fmt: skip
        assert len(load(name, split, lang)) == count, name


def test_lareqa_has_one_right_answer_in_each_of_eleven_languages(slice_of_hub):
    gold = [row["gold"] for row in load("lareqa", "test", "th") if row["side"] == "query"]
    assert len(gold) == 1190
    assert sum(len({one[:2] for one in some}) == 11 for some in gold) == 1190
    assert data.needed(TASKS["lareqa"], "test", "th")[0].config == "xquad-r.th"


def mock_labels(name: str) -> dict[str, Path]:
    files = (HUB.parent / "conformance/xtreme_mock/labels" / name).glob("test-*")
    return {path.stem.partition("-")[2]: path for path in files}


@pytest.mark.parametrize("name", ["xnli", "tatoeba", "xquad", "tydiqa"])
def test_labels_order_and_ids_are_those_of_xtreme_s_own_label_files(name, slice_of_hub):
    """Its mock files hold the first labels of the real ones, or a few of their questions."""
    agreed = 0
    for lang, path in mock_labels(name).items():
        if lang in ABSENT.get((name, "test"), ()):
            continue
        rows = data.load(TASKS[name], "test", lang, data="hub", limit=None if "qa" in name else 10)
        if name in ("xquad", "tydiqa"):
            asked = [q["id"] for article in json.loads(path.read_text())["data"]
                     for part in article["paragraphs"] for q in part["qas"]]  # fmt: skip
            assert set(asked) <= set(rows["id"]), lang
        else:
            ours = rows["label"] if name == "xnli" else [g[0] for g in rows["gold"] if g]
            assert ours[:10] == path.read_text().split(), lang
        agreed += 1
    assert agreed >= 9
