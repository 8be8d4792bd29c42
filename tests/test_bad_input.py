"""Bad input by the dozen: what is wrong, how it ends, what is said, and that nothing is left.

Beside what each module's own tests refuse. A row a case; every one goes through a public door (the
command line, `load`, an encoder's folder), and must end in one line that names the thing and helps.
"""

import json
import re
import shutil

import pytest
import tiny
import torch
import yaml
from safetensors.torch import load_file, save_file

from xstilts import data
from xstilts.cli import main
from xstilts.encoder import Encoder
from xstilts.paths import UserError
from xstilts.tasks import Task

SMALL = {"settings": ["tiny-xlmr"], "seeds": [1], "recipes": ["none", "mnli"],
         "targets": ["udpos"], "retrieval": True}  # fmt: skip
YAML = yaml.safe_dump(SMALL)
TASK = {"name": "own", "title": "Own", "form": "classify", "labels": ["no", "yes"],
        "langs": {"mine": ["en", "gsw"]}, "train": {"mine": "own"},
        "files": {"train": "own-{code}.csv"}}  # fmt: skip


def setting(**more):
    return {"settings": [{"name": "own", "encoder": "tiny-xlmr", "data": "world"} | more]}


def budget(key="target", **numbers):
    return setting(budget={key: numbers})


def recipe(**more):
    return {"recipes": [{"name": "own", "tasks": ["mnli"]} | more]}


def task(**more):
    return {"tasks": [TASK | more], "targets": [{"name": "own", "tasks": ["own"]}]}


A_NAME = "a name is letters, digits and _ . . @ -, 64 at most"
GRIDS = [  # a change of SMALL, or a file's text; what is said
    (f"{YAML}seeds: [2]\n", r"mine.yaml, line 11: not YAML: the key 'seeds' is there twice"),
    ("settings: [{name: a, name: b}]", "line 1: .* the key 'name' is there twice"),
    ("a: " + "[" * 20_000, "mine.yaml.*: not YAML"),
    ("settings: !!python/object/apply:os.system [touch x]", "line 1: not YAML: could not determ"),
    ("settings:\n\t- tiny-xlmr\n", "line 2: not YAML: found character"),
    (YAML.encode("utf-16"), "mine.yaml: not UTF-8 text"),
    (f"{YAML}---\n{YAML}", "line 11: not YAML: but found another document"),
    ("seeds: 1\nsettings: tiny-xlmr\n", "settings: a list was expected, not 'tiny-xlmr'"),
    (f"1: x\n{YAML}", "unknown key '1': known: also"),
    ("a: [1\nb: 2", "line 2: not YAML"),
    ("- a", "expected keys among"),
    ("", "expected keys among"),
    ({"recipes": ["mnly"]}, "recipes: unknown recipe 'mnly': did you mean 'mnli'"),
    ({"targets": ["udpoz"]}, "targets: unknown recipe 'udpoz': did you mean 'udpos'"),
    ({"targets": ["none"]}, "targets: 'none' trains on nothing"),
    ({"targets": ["mlm"]}, "targets: 'mlm' trains on nothing"),
    ({"targets": ["qqp"]}, "no task is evaluated after 'qqp'"),
    ({"settings": ["tiny-xlm"]}, "unknown setting 'tiny-xlm': did you mean 'tiny-xlmr'"),
    ({"settings": [{"name": "mine"}]}, "'mine' lacks 'encoder'"),
    ({"recipies": ["mnli"]}, "unknown key 'recipies': did you mean 'recipes'"),
    ({"recipes": []}, "'recipes' is missing or empty"),
    ({"recipes": ["mnli", "mnli"]}, "'mnli' is there twice"),
    ({"seeds": ["one"]}, "'one' is no whole number"),
    ({"seeds": [True]}, "True is no whole number"),
    ({"seeds": [1, 1]}, "'1' is there twice"),
    ({"retrieval": "yes"}, "neither true nor false"),
    ({"reports": ["main_tabel"]}, "unknown name 'main_tabel': did you mean 'main_table'"),
    ({"measures": ["distance"]}, "measures: unknown name 'distance'"),
    ({"also": [{"reports": []}]}, r"also\[0\]: unknown key 'reports'"),
    ({"tasks": [{"name": "a", "lang": {}}]}, "unknown key 'lang': did you mean 'langs'"),
    (setting(data="web"), "'world' or 'hub', not 'web'"),
    (setting(layer="last"), "'last' is no int"),
    (setting(name="tiny-xlmr"), "already means something else"),
    (budget("targets"), "unknown name 'targets': did you mean 'target'"),
    (budget(epoch=1), "unknown number 'epoch': did you mean 'epochs'"),
    (recipe(tasks=["mnlli"]), "unknown task 'mnlli'"),
    (recipe(after="own"), "in a circle"),
    (recipe(after="z9"), "unknown recipe 'z9'"),
    (recipe(lr="fast"), "'fast' is no float"),
    (recipe(tasks=["udpos"], hide="text_a"), "task 'udpos': unknown column to hide 'text_a'"),
    ({"seeds": [-1]}, "seeds: -1 is no whole number from 0"),
    ({"seeds": [1.5]}, "seeds: 1.5 is no whole number"),
    ({"seeds": [2**32]}, r"4294967296 is no whole number from 0 to 2\*\*32 - 1"),
    ({"seeds": None}, "'seeds' is missing or empty"),
    ({"seeds": {"a": 1}}, "seeds: a list was expected"),
    ({"settings": [None]}, "settings: None is neither a known name nor a mapping"),
    ({"recipes": [3]}, "recipes: 3 is neither a known name nor a mapping"),
    ({"recipes": {"mnli": 1}}, "recipes: a list was expected"),
    ({"studies": ["domain"]}, "studies: unknown name 'domain': did you mean 'domain_shift'"),
    ({"also": {"recipes": ["qqp"]}}, "also: a list was expected"),
    ({"also": ["qqp"]}, r"also\[0\]: expected keys among settings"),
    ({"also": [{}]}, r"also\[0\]: 'recipes' is missing or empty"),
    ({"only": {"tasks": []}}, "only: unknown key 'tasks'"),
    ({"name": "../mine"}, f"grid '../mine': {A_NAME}"),
    ({"recipes": ["none"], "targets": [], "retrieval": False}, "mine.yaml: nothing to run: give t"),
    *((setting(name=name), A_NAME) for name in ("../x", "a b", "", ".", "-x", "a;x", "{run}")),
    *((recipe(name=name), A_NAME) for name in ("a/b", "a\nb", "..", "x" * 65, "a'b")),
    (task(name="../own"), "unknown task 'own'|a name is letters"),
    (setting(encoder=""), "setting 'own': no encoder: a folder or a hub id"),
    (setting(layer=-1), "setting 'own': layer -1: a whole number from 0"),
    (setting(devices=0), "devices 0: a whole number from 1"),
    (setting(precision="fp64"), "precision 'fp64': known: fp32, bf16"),
    (setting(data=3), "data: 3 is no str"),
    (setting(budget=[1]), "budget: .1. is no Mapping"),
    (setting(budget={"target": 3}), "budget.target: 3 is no Mapping"),
    (budget("target/udpoz", lr=0.1), "budget 'target/udpoz': unknown recipe 'udpoz': did you mean"),
    (budget(lr=-1.0), "setting 'own', budget 'target': lr -1.0: a number above 0"),
    (budget(batch=0), "batch 0: a whole number from 1"),
    (budget(batch=2.5), "batch 2.5: a whole number from 1"),
    (budget(tokens=-5), "tokens -5: a whole number"),
    (budget(evaluate_every=0), "evaluate_every 0: a whole number"),
    (budget(warmup=2.0), "warmup 2.0: a share between 0 and 1"),
    (budget(clip=0), "clip 0: a number above 0"),
    (budget("evaluate", examples=0), "budget 'evaluate': examples 0: a whole number from 1"),
    (recipe(lr=float("nan")), "recipe 'own': lr nan: a number above 0"),
    (recipe(epochs=0), "epochs 0: a number above 0"),
    (recipe(updates=-3), "updates -3: a whole number from 1"),
    (recipe(max_len=3), "max_len 3: a whole number from 8"),
    (recipe(temperature=0.0), "temperature 0.0: a number above 0"),
    (recipe(tasks=[]), "recipe 'own': no tasks, so it trains on nothing: 'none'?"),
    (recipe(tasks=["mnli", "mnli"]), "recipe 'own': tasks: 'mnli' is there twice"),
    ({"recipes": [{"name": "a", "tasks": ["mnli"], "after": "b"},
                  {"name": "b", "tasks": ["qqp"], "after": "a"}]}, "in a circle: a -> b"),
    (task(labels=["no", "yes", "no"]), "task 'own': labels: 'no' is there twice"),
    (task(labels=[0, 1]), "labels: 0 is no str"),
    (task(langs={"mine": ["en", "en"]}), "langs 'mine': 'en' is there twice"),
    (task(langs={"mine": []}), "langs 'mine': no language"),
    (task(langs={"mine": ["../en"]}), "'../en' is no language's code"),
    (task(files={"train": "own.xls"}), "own.xls' should end in .parquet, .jsonl, .csv, .tsv"),
    (task(files={"train": "own-{cod}.csv"}), "may hold {code} {iso3} {name}"),
]  # fmt: skip


def tree(folder) -> set:
    return {path.relative_to(folder) for path in folder.rglob("*")}


def one_clear_line(said: str, words: str) -> None:
    assert re.search(words, said), said
    assert len(said.splitlines()) == 1 and "Traceback" not in said and len(said) < 500


@pytest.mark.parametrize(("change", "words"), GRIDS, ids=range(len(GRIDS)))
def test_a_grid_that_cannot_be_meant(change, words, tmp_path, monkeypatch, capsys, out):
    monkeypatch.chdir(tmp_path)
    content = yaml.safe_dump(SMALL | change) if isinstance(change, dict) else change
    content = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "mine.yaml").write_bytes(content)
    for command in ("plan", "run"):
        assert main([command, "mine.yaml"]) == 2
        said = capsys.readouterr()
        one_clear_line(said.err, words)
        assert not said.out and "mine.yaml" in said.err
    assert tree(tmp_path) == {(tmp_path / "mine.yaml").relative_to(tmp_path)}


EXPORT = "export core --setting tiny-xlmr --to x --recipe"
COMMANDS = [  # words, environment, exit code, what is said
    ("", {}, 2, "COMMAND"),
    ("plan", {}, 2, "GRID"),
    ("plam core", {}, 2, "invalid choice"),
    ("plan cor", {}, 2, "did you mean 'core'"),
    ("plan core --seeds one", {}, 2, "argument --seeds: .*'one'"),
    ("plan core --seeds 9", {}, 2, "no '9' among its seeds"),
    ("plan core --settings tiny-xlm", {}, 2, "did you mean 'tiny-xlmr'"),
    ("run demo --workers 0", {}, 2, "argument --workers: .*'0'"),
    ("score nowhere nowhere", {}, 3, "nowhere: no such folder"),
    ("score nowhere", {}, 2, "LABELS"),
    ("score a b --suite xtrem", {}, 2, "choose from"),
    (f"{EXPORT} none", {}, 2, "--seed"),
    (f"{EXPORT} mnl --seed 1", {}, 2, "did you mean 'mnli'"),
    (f"{EXPORT} mnli --seed 1", {}, 3, "no finished run to export"),
    ("mirror cor --to x", {}, 2, "did you mean 'core'"),
    ("plan demo --seeds ,", {}, 2, "--seeds: expected whole numbers separated by commas, got ','"),
    ("plan demo --settings ,", {}, 2, "--settings: expected names separated by commas, got ','"),
    ("plan demo --seeds=-1", {}, 2, "no '-1' among its seeds"),
    ("plan folder.yaml", {}, 2, "no grid 'folder.yaml'"),
    ("run demo --workers two", {}, 2, "--workers: expected 1 or more, got 'two'"),
    ("run demo --profile laptob", {}, 2, "no profile 'laptob': did you mean 'laptop'"),
    ("run demo", {"XSTILTS_OUT": "file"}, 2, "may not write to .*file.*: choose another folder"),
    ("run demo", {"XSTILTS_OUT": "file/x"}, 2, "may not write to .*file/x"),
    ("plan slice", {"XSTILTS_HUB": "nowhere"}, 3, "HUB=.*nowhere is not a folder; unset it"),
    ("plan slice", {"XSTILTS_TEXT": "nowhere"}, 3, "XSTILTS_TEXT=.*nowhere is not a folder"),
    ("run mine.yaml", {}, 3, "no encoder at ./nowhere: give a folder or a hub id"),
    ("export demo --setting demo --recipe mnli --seed 7 --to x", {}, 2, "'7'|no run"),
    ("mirror nowhere.yaml --to x", {}, 2, "no grid 'nowhere.yaml'"),
    ("score file folder.yaml", {}, 3, "file: no such folder"),
    ("score folder.yaml folder.yaml", {}, 3, "no task's folder in common"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "environment", "code", "words"), COMMANDS,
                         ids=range(len(COMMANDS)))  # fmt: skip
def test_a_command_that_cannot_work(line, environment, code, words, tmp_path, monkeypatch, capsys,
                                    out):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("a file")
    (tmp_path / "folder.yaml").mkdir()
    lost = SMALL | setting(encoder="./nowhere")
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(lost))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    before = tree(tmp_path)
    assert main(line.split()) == code
    one_clear_line(capsys.readouterr().err, words)
    assert tree(tmp_path) == before


def lines(*rows) -> str:
    return "\n".join(map(json.dumps, rows))


def pair(**more):
    return {"id": "1", "text_a": "a", "text_b": "b", "label": "yes"} | more


def words(**more):
    return {"id": "1", "tokens": ["a", "b"], "tags": ["X", "Y"]} | more


def asked(**more):
    answers = {"text": ["answer"], "answer_start": [4]}
    return {"id": "1", "question": "q", "context": "the answer", "answers": answers} | more


def choice(**more):
    return {"id": "1", "context": "c", "choices": ["a", "b"], "label": 0} | more


def side(at, side, gold, **more):
    return {"id": at, "side": side, "text": "t", "gold": gold} | more


HEAD = "id,text_a,text_b,label\n"
LABELS = {"classify": ("no", "yes"), "choose": ("0", "1"), "tag": ("X", "Y")}
ROWS = [  # form, suffix, content, exit code, what is said
    ("classify", "csv", "", 2, "no column 'text_a'"),
    ("classify", "csv", HEAD, 3, "own: no labelled rows in 'en', split test"),
    ("classify", "csv", HEAD.replace(",", ";"), 2, "no column 'text_a'.*it has id;text_a"),
    ("classify", "csv", HEAD + "1,a,b,yes\n2,a,b\n", 2, "row 2: 'label' is empty"),
    ("classify", "csv", "id,text_a,text_b,label,label\n1,a,b,yes,no\n", 2, "'label' is there t"),
    ("classify", "csv", HEAD + '1,"a,b,yes\n2,a,b,yes\n', 2, "is a quote left open"),
    ("classify", "csv", (HEAD + "1,a,b,yes\n2,ä,b,no\n").encode("latin-1"), 2, "line 3: not UTF"),
    ("classify", "jsonl", "", 2, "no column 'text_a'"),
    ("classify", "jsonl", lines(pair(), pair(id="2", text_b=None)), 2, "row 2: 'text_b' is empty"),
    ("classify", "jsonl", lines(pair(label=None)), 2, "row 1: 'label' is empty"),
    ("classify", "jsonl", lines(pair(), pair(id="2", label=1)), 2, r"'label' mixes .*int .row 2"),
    ("classify", "jsonl", lines(pair(label=1)), 2, "id 1: label '1' is none of no, yes"),
    ("classify", "jsonl", lines(pair(), pair(id="2", text_a=["x"])), 2, "'text_a' mixes"),
    ("classify", "jsonl", lines(pair(text_a={"x": 1})), 2, "row 1: no classify row: .* is no text"),
    ("classify", "jsonl", lines(pair()).replace('"a"', "NaN"), 2, "row 1: .*nan is no text"),
    ("classify", "jsonl", lines(pair(), pair()), 2, "the id '1' comes twice, again in row 2"),
    ("classify", "jsonl", lines(pair(id=None), pair()), 2, "row 1: 'id' is empty"),
    ("classify", "jsonl", json.dumps([pair()]), 2, "line 1: not one JSON object"),
    ("classify", "jsonl", json.dumps(pair(), indent=1), 2, "line 1: not one JSON object"),
    ("classify", "jsonl", lines(pair()) + '\n{"id": "2", "te', 2, "line 2: not one JSON object"),
    ("classify", "jsonl", lines(pair()).encode() + b'\n{"id":"\xff"}', 2, "line 2: not UTF-8"),
    ("classify", "jsonl", lines(pair(text_a="\ud800")), 2, "not a readable jsonl file"),
    ("classify", "parquet", b"", 2, "not a readable parquet file: .*0 bytes"),
    ("classify", "parquet", "half", 2, "not a readable parquet file"),
    ("classify", "parquet", "tail", 2, "not a readable parquet file"),
    ("classify", "parquet", "hole", 2, "not a readable parquet file"),
    ("tag", "jsonl", lines(words(tags=["X"])), 2, "id 1: 2 words, 1 tags"),
    ("tag", "jsonl", lines(words(tokens=[], tags=[])), 2, "id 1: 0 words, 0 tags"),
    ("tag", "jsonl", lines(words(tokens=["a", None])), 2, "row 1: no tag row: .*no list of texts"),
    ("tag", "jsonl", lines(words(tokens=3)), 2, "row 1: no tag row: 3 is no list of texts"),
    ("tag", "jsonl", lines(words(tags=["X", "Z"])), 2, "id 1: tags 'Z' is none of X, Y"),
    ("span", "jsonl", lines(asked(answers={"text": ["answer"]})), 2, "is not {text, answer_start}"),
    ("span", "jsonl", lines(asked(answers=["answer"])), 2, "is not {text, answer_start}"),
    ("span", "jsonl", lines(asked(answers={"text": ["a", "b"], "answer_start": [3]})), 2,
     "id 1: 'answers' has a text without a start"),
    ("span", "jsonl", lines(asked(answers={"text": ["a"], "answer_start": ["4"]})), 2,
     "'answer_start' .'4'.: whole numbers, in characters"),
    ("span", "jsonl", lines(asked(answers={"text": [None], "answer_start": [4]})), 2, "no span"),
    ("choose", "jsonl", lines(choice(label=2)), 2, "id 1: label '2' is none of 0, 1"),
    ("choose", "jsonl", lines(choice(choices=["a", "b", "c"])), 2, "id 1: 3 choices, not 2"),
    ("choose", "jsonl", lines(choice(choices="ab")), 2, "id 1: 1 choices, not 2"),
    ("choose", "jsonl", lines(choice(choices=["a", None])), 2, "no choose row: .*no list of texts"),
    ("pairs", "jsonl", lines(side("q", "left", ["c"])), 2, "id q: side 'left', not query or cand"),
    ("pairs", "jsonl", lines(side("q", "query", ["z"]), side("c", "candidate", [])), 2,
     "no 'gold', such as 'z', is the id of a candidate"),
    ("pairs", "jsonl", lines(side("q", "query", ["c"]), *[side("c", "candidate", [])] * 2), 2,
     "the id 'c' comes twice, again in row 3"),
]  # fmt: skip


def parquet(how: str) -> bytes:
    """A Parquet file that something happened to."""
    import pyarrow
    from pyarrow import parquet as file

    sink = pyarrow.BufferOutputStream()
    file.write_table(pyarrow.Table.from_pylist([pair()] * 1000), sink)
    whole = sink.getvalue().to_pybytes()
    return {"half": whole[: len(whole) // 2], "tail": whole[:-3],
            "hole": whole[:100] + bytes(50) + whole[150:]}[how]  # fmt: skip


@pytest.mark.parametrize(("form", "suffix", "content", "code", "words"), ROWS, ids=range(len(ROWS)))
def test_rows_that_cannot_be_read(form, suffix, content, code, words, tmp_path):
    path = tmp_path / f"rows.{suffix}"
    if suffix == "parquet" and content:
        content = parquet(content)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    own = Task("own", "Own", form, labels=LABELS.get(form, ()), langs={"mine": ("en", "de")},
               metric="map@20" if form == "pairs" else "accuracy",
               files={"test": str(path)})  # fmt: skip
    with pytest.raises(UserError) as caught:
        data.load(own, "test", "en", data="hub")
    assert caught.value.exit_code == code
    one_clear_line(str(caught.value), words)
    assert tree(tmp_path) == {path.relative_to(tmp_path)}


def weights(change):
    def damage(folder):
        file = folder / "model.safetensors"
        save_file(change(load_file(file)), file, {"format": "pt"})

    return damage


def config(**more):
    def damage(folder):
        file = folder / "config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | more))

    return damage


def written(name, content):
    return lambda folder: (folder / name).write_text(content)


def nowhere_a_number(tensors):
    name = next(name for name in tensors if name.endswith("dense.weight"))
    return tensors | {name: torch.full_like(tensors[name], torch.nan)}


def without_mask(folder):
    file = folder / "tokenizer_config.json"
    told = json.loads(file.read_text())
    file.write_text(json.dumps({k: v for k, v in told.items() if k != "mask_token"}))


ENCODERS = [  # what is done to a good one; what is said
    (weights(nowhere_a_number), "the weights are not all numbers .NaN or inf.*dense.weight"),
    (weights(lambda w: {f"x.{k}": v for k, v in w.items()}), "the weights lack 37 parts of t"),
    (weights(lambda w: {k: v for k, v in w.items() if "layer.1.output" not in k}), "lack 4 parts"),
    (weights(lambda w: {k: v[:9].clone() for k, v in w.items()}), "do not fit its config.json"),
    (config(hidden_size=64), "do not fit its config.json: sizes differ"),
    (config(vocab_size=50), "do not fit its config.json: sizes differ"),
    (config(num_hidden_layers=3), "the weights lack 16 parts"),
    (config(num_hidden_layers=1), "config.json has fewer layers than the weights"),
    (config(num_attention_heads=5), "not a multiple of the number of attention heads"),
    (config(model_type="evil", auto_map={"AutoConfig": "evil.Config"}), "custom code|evil"),
    (written("config.json", "{"), "cannot read the configuration: .*not a valid JSON"),
    (written("config.json", "{}"), "cannot read the configuration: Unrecognized model"),
    (written("tokenizer.json", "{"), "cannot read the tokenizer"),
    (without_mask, "no mask_token: tokenizer_config.json"),
]  # fmt: skip


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return tiny.encoder().save(tmp_path_factory.mktemp("encoder") / "good")


@pytest.mark.parametrize(("damage", "words"), ENCODERS, ids=range(len(ENCODERS)))
@pytest.mark.filterwarnings("ignore")
def test_an_encoder_that_is_none(damage, words, good, tmp_path):
    folder = shutil.copytree(good, tmp_path / "damaged")
    damage(folder)
    before = tree(tmp_path)
    with pytest.raises(UserError) as caught:
        Encoder.load(folder)
    assert caught.value.exit_code == 2
    one_clear_line(str(caught.value), words)
    assert str(folder) in str(caught.value) and tree(tmp_path) == before


def test_there_are_more_than_a_hundred():
    assert len(GRIDS) + len(COMMANDS) + len(ROWS) + len(ENCODERS) >= 100
