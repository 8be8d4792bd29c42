"""A mirror made from a stand-in for the hub, then read with no network at all."""

import csv
import socket

import pytest
import tiny
from standin import Hub

from xstilts import data, lock, runs, sources
from xstilts.encoder import Encoder
from xstilts.grid import plan
from xstilts.mirror import encoders, mirror, tables
from xstilts.paths import BadInput, MissingData, UserError
from xstilts.tasks import TASKS

GRID = {
    "settings": [{"name": "real", "encoder": "some/encoder", "data": "hub"}],
    "seeds": [1, 2],
    "recipes": ["none", "qqp", "ccg"],
    "targets": ["pawsx"],
}
CONVERTED = "refs/convert/parquet"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A few sets as the hub has them, and an encoder."""
    from datasets import ClassLabel, Dataset, Features, Value

    folder = tmp_path_factory.mktemp("files")

    def parquet(rows, **classes) -> bytes:
        made = {name: Value("string") for name in rows[0]}
        made |= {name: ClassLabel(names=names) for name, names in classes.items()}
        Dataset.from_list(rows, features=Features(made)).to_parquet(folder / "x.parquet")
        return (folder / "x.parquet").read_bytes()

    def pairs(lang, count):
        rows = [{"id": f"{n}", "sentence1": f"{lang} a {n}", "sentence2": f"{lang} b {n}",
                 "label": n % 2} for n in range(count)]  # fmt: skip
        return parquet(rows, label=["0", "1"])

    tiny.encoder().save(folder / "encoder")
    encoder = {path.name: path.read_bytes() for path in (folder / "encoder").iterdir()}
    langs = TASKS["pawsx"].langs["xtreme"]
    pawsx = {f"{lang}/test/0000.parquet": pairs(lang, 4) for lang in langs}
    for name, count in {"en/train/0000": 6, "en/train/0001": 3, "en/validation/0000": 2,
                        "de/train/0000": 9, "de/validation/0000": 9}.items():  # fmt: skip
        pawsx[f"{name}.parquet"] = pairs(name, count)
    question = {"question1": "a", "question2": "b", "label": 1, "idx": "7"}
    qqp = parquet([question], label=["not_duplicate", "duplicate"])
    return {"pawsx": pawsx, "encoder": encoder, "qqp": qqp}


@pytest.fixture
def hub(files, tmp_path, monkeypatch):
    """The stand-in, in the place of the hub, with an empty cache."""
    from huggingface_hub import constants, file_download

    hub = Hub()
    where = f"http://127.0.0.1:{hub.server_port}"
    for module in (constants, file_download):
        template = where + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(module, "HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False)
    monkeypatch.setattr(constants, "ENDPOINT", where)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("XSTILTS_HUB", raising=False)
    monkeypatch.setattr(lock, "published", dict)  # these sets are not the published ones
    hub.put("google-research-datasets/paws-x", files["pawsx"], CONVERTED)
    hub.put("google-research-datasets/paws-x", {"x.py": b"raise SystemExit"})
    hub.put("nyu-mll/glue", {f"qqp/{split}-00000-of-00001.parquet": files["qqp"]
                             for split in ("train", "validation", "test")})  # fmt: skip
    unsafe = {"pytorch_model.bin": b"pickle", "onnx/config.json": b"{}", "run.py": b"1 / 0"}
    hub.put("some/encoder", files["encoder"] | unsafe)
    sources.fetch.cache_clear()
    monkeypatch.setattr(sources, "_HEADS", {})
    yield hub
    sources.fetch.cache_clear()
    hub.shutdown()
    hub.server_close()


def locked(folder) -> list[dict]:
    with (folder / "lock.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_mirror_holds_what_the_grid_needs_and_runs_without_a_network(
    hub, tmp_path, monkeypatch, capsys
):
    folder = tmp_path / "mirror"
    assert mirror(GRID, folder) == 0
    paws = [name for name in hub.files_sent if name in hub.commits[_commit(hub, "paws-x")][1]]
    assert sorted(paws) == ["de/test/0000.parquet", "en/test/0000.parquet",
                            "en/train/0000.parquet", "en/train/0001.parquet",
                            "en/validation/0000.parquet", "es/test/0000.parquet",
                            "fr/test/0000.parquet", "ja/test/0000.parquet",
                            "ko/test/0000.parquet", "zh/test/0000.parquet"]  # fmt: skip
    asked = [line for line in hub.asked if f"paws-x/revision/{CONVERTED}" in line]
    assert len(asked) == 1  # so all tables are of one commit
    sent = " ".join(hub.files_sent)
    assert not any(word in sent for word in (".bin", ".py", "onnx", "qqp/test"))
    told = capsys.readouterr().out
    assert "paws-x 'en', split 'train': 9 rows, fetched, unpinned" in told
    assert "from a folder only: CCGbank is licensed by the LDC" in told
    assert f"expected {folder}/x-stilts/ccg/default/train.parquet, .jsonl, .csv or .tsv" in told
    (train,) = [r for r in locked(folder) if (r["config"], r["split"]) == ("en", "train")]
    assert (train["rows"], train["source"]) == ("9", "hub")
    assert train["revision"] == _commit(hub, "paws-x")

    hub.asked.clear()
    assert mirror(GRID, folder) == 0  # all of it is there
    assert not hub.asked

    monkeypatch.setenv("XSTILTS_HUB", str(folder))
    monkeypatch.setattr(socket.socket, "connect", lambda *words: pytest.fail(f"asked {words}"))
    rows = data.load(TASKS["pawsx"], "train", "en", data="hub").to_list()
    assert [r["text_a"] for r in rows[5:7]] == ["en/train/0000 a 5", "en/train/0001 a 0"]
    assert data.load(TASKS["pawsx"], "test", "zh", data="hub")["label"][:] == ["0", "1", "0", "1"]
    assert data.load(TASKS["qqp"], "dev", "en", data="hub")["label"][:] == ["duplicate"]
    start = runs.start(plan(GRID)[0].setting)
    assert start == folder / "some/encoder" and Encoder.load(start).layers


def test_a_mirror_holds_the_translations_that_a_recipe_names():
    own = {"name": "tr", "tasks": ["mnli", "pawsx"], "translate": ["de", "fr"]}
    trained = [(s.repo.split("/")[-1], s.config) for s in tables(plan(GRID | {"recipes": [own]}))
               if s.split == "train"]  # fmt: skip
    assert trained == [("glue", "mnli"), ("paws-x", "en"), ("xnli", "de"), ("xnli", "fr"),
                       ("paws-x", "de"), ("paws-x", "fr")]  # fmt: skip
    whole = [{"name": "tr", "tasks": ["pawsx"], "translate": ["all"]}]
    trained = [s.config for s in tables(plan(GRID | {"targets": [], "recipes": whole}))
               if s.split == "train"]  # fmt: skip
    assert trained == ["en", "de", "es", "fr", "ja", "ko", "zh"]


def _commit(hub, name: str) -> str:
    return next(c for (repo, r), c in hub.refs.items() if repo.endswith(name) and r == CONVERTED)


def test_a_mirror_goes_on_where_it_stopped(hub, tmp_path, monkeypatch):
    folder, fetch = tmp_path / "mirror", sources.fetch

    def interrupted(source):
        if source.config == "es":
            raise KeyboardInterrupt
        return fetch(source)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(sources, "fetch", interrupted)
        mirror(GRID, folder)
    first = set(hub.files_sent)
    hub.asked.clear()
    assert mirror(GRID, folder) == 0
    assert first and hub.files_sent and not first & set(hub.files_sent)
    at = folder / "google-research-datasets/paws-x/de/test-00000-of-00001.parquet"
    at.write_bytes(at.read_bytes()[:-9])
    assert mirror(GRID, folder) == 0  # out of the cache
    assert sources.digest((at,)) in {r["sha256"] for r in locked(folder)}
    assert not [path for path in folder.rglob(".*")]


def test_a_changed_file_is_told_with_the_remedy(hub, tmp_path, monkeypatch):
    folder = tmp_path / "mirror"
    mirror(GRID, folder)
    monkeypatch.setenv("XSTILTS_HUB", str(folder))
    at = folder / "google-research-datasets/paws-x/de/test-00000-of-00001.parquet"
    at.write_bytes(at.read_bytes()[:-9])
    with pytest.raises(BadInput) as error:
        data.load(TASKS["pawsx"], "test", "de", data="hub")
    assert str(error.value) == (
        f"pawsx, test, 'de': {at}: changed since it was fetched; delete it and run "
        f"`xstilts mirror` again, or mend {folder}/lock.csv"
    )
    pins = dict(lock.read(folder / "lock.csv"))
    key = ("google-research-datasets/paws-x", "fr", "test")
    pins[key] = lock.Pin("folder", *key, rows="5", said_by="my own count")
    lock.write(folder / "lock.csv", pins.values())
    with pytest.raises(BadInput, match=r"4 rows, not 5 \(my own count\); delete it and run"):
        data.load(TASKS["pawsx"], "test", "fr", data="hub")


def test_files_of_the_user_s_own_are_locked_and_never_replaced(hub, tmp_path, capsys):
    folder = tmp_path / "mirror"
    own = {"x-stilts/ccg/default/train.jsonl": '{"tokens": ["a"], "tags": ["N"]}\n',
           "google-research-datasets/paws-x/de/test.csv": "id,sentence1,sentence2,label\n"
                                                          "1,a,b,0\n2,c,d,1\n"}  # fmt: skip
    for name, content in own.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(content)
    for _ in range(2):
        assert mirror(GRID, folder) == 0
    assert {name: (folder / name).read_text() for name in own} == own
    kinds = {(r["config"], r["split"]): (r["source"], r["rows"]) for r in locked(folder)}
    assert kinds["default", "train"] == ("folder", "1") and kinds["de", "test"] == ("folder", "2")
    assert (
        "x-stilts/ccg 'default', split 'train': 1 rows, your own, unpinned\n"
        in capsys.readouterr().out
    )


def test_what_the_hub_lacks_is_told_and_the_rest_fetched(hub, tmp_path, monkeypatch, capsys):
    del hub.refs["nyu-mll/glue", "main"]
    hub.put("some/encoder", {"config.json": b"{}", "pytorch_model.bin": b"pickle"})
    key = ("google-research-datasets/paws-x", "en", "train")
    pin = lock.Pin("hub", *key, rows="49401", said_by="its files")
    monkeypatch.setattr(lock, "published", lambda: {key: pin})
    assert mirror(GRID, tmp_path / "mirror") == 1
    told = capsys.readouterr().out
    assert "paws-x 'en', split 'train': 9 rows, not 49,401 (its files)" in told
    assert told.count("not to be had: no nyu-mll/glue from the hub: 404") == 1  # of two tables
    assert "some/encoder: no safetensors weights" in told
    assert "paws-x 'ko', split 'test': 4 rows, fetched" in told


def test_a_folder_that_cannot_be_one_is_told_with_the_remedy(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UserError, match="may not write to .*file.* choose another folder, by"):
            mirror(GRID, folder)


def test_a_hub_that_does_not_answer_ends_it_at_once(hub, tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(MissingData, match="127.0.0.1:1 cannot be reached"):
        mirror(GRID, tmp_path / "mirror")


def test_what_was_fetched_before_is_read_again_without_a_network(hub, monkeypatch):
    from huggingface_hub import constants

    first = [data.load(TASKS["qqp"], "dev", "en", data="hub").to_list(),
             data.load(TASKS["pawsx"], "dev", "en", data="hub").to_list()]  # fmt: skip
    sources.fetch.cache_clear()
    monkeypatch.setattr(sources, "_HEADS", {})
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(socket.socket, "connect", lambda *words: pytest.fail(f"asked {words}"))
    assert data.load(TASKS["qqp"], "dev", "en", data="hub").to_list() == first[0]  # of main
    assert data.load(TASKS["pawsx"], "dev", "en", data="hub").to_list() == first[1]  # converted
    with pytest.raises(MissingData, match="HF_HUB_OFFLINE is set and the cache lacks it"):
        data.load(TASKS["pawsx"], "test", "en", data="hub")


def test_a_published_count_and_revision_bind_what_comes_from_the_hub(hub, files, monkeypatch):
    repo = "google-research-datasets/paws-x"
    key = (repo, "de", "test")
    pin = lock.Pin("hub", *key, rows="2000", said_by="its paper")
    monkeypatch.setattr(lock, "published", lambda: {key: pin})
    with pytest.raises(BadInput, match=r"split 'test': 4 rows, not 2,000 \(its paper\); the hub's"):
        data.load(TASKS["pawsx"], "test", "de", data="hub")
    old = hub.put(repo, {"de/test-00000-of-00001.parquet": files["pawsx"]["de/train/0000.parquet"]},
                  "old")  # fmt: skip
    pinned = lock.Pin("hub", *key, revision=old, rows="9", said_by="its card")
    monkeypatch.setattr(lock, "published", lambda: {key: pinned})
    assert len(data.load(TASKS["pawsx"], "test", "de", data="hub")) == 9
    assert len(data.load(TASKS["pawsx"], "test", "fr", data="hub")) == 4  # not pinned


def test_tables_are_those_that_the_notebooks_read():
    def keys(**more):
        return {s.key[1:] for s in tables(r for r in plan(GRID | more) if r.setting)}

    real = {"name": "real", "encoder": "text", "data": "hub"}
    assert ("default", "train") in keys(recipes=["ccg"]) and ("qqp", "train") not in keys(
        recipes=["none"]
    )
    looks = keys(settings=[real], recipes=["none"])
    assert ("sw", "validation") in looks  # the base's look at itself
    assert keys(settings=["tiny-xlmr"]) == set()
    assert encoders(r for r in plan(GRID | {"settings": ["tiny-xlmr", real]}) if r.setting) == []
    found = keys(recipes=["none"], targets=["tydiqa", "lareqa"], retrieval=True)
    assert ("secondary_task", "train") in found and ("xquad-r.zh", "validation") in found
    assert ("bucc18.zh", "validation") in found and ("zh-en.en", "test") in found
    assert ("tatoeba.deu", "validation") in found and ("plain_text", "train") in found
    assert ("sw", "validation") not in found
    assert ("sw", "validation") in keys(recipes=["none"], targets=[], measures=["text"])
    probed = keys(recipes=["none"], targets=[], measures=["few"])
    assert ("secondary_task", "train") in probed and ("sw", "test") not in probed
