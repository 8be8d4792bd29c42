"""Domain shift: divergences about nothing for one kind of text, contrasts, and the notebook."""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from zlib import crc32

import numpy as np
import pandas as pd
import pytest
import yaml
from test_notebooks import play

from xstilts import divergence, measure
from xstilts.analysis import domains, length, nearness
from xstilts.arms import training_rows
from xstilts.data import load
from xstilts.grid import plan
from xstilts.gridfile import read
from xstilts.languages import languages
from xstilts.paths import GRIDS, BadInput, MissingData, UserError
from xstilts.recipes import Recipe, check
from xstilts.runs import start
from xstilts.scores import COLUMNS, MEASURE_COLUMNS
from xstilts.settings import SETTINGS, resolve
from xstilts.snapshot import GROUP_COLUMNS, Collected
from xstilts.tasks import TASKS
from xstilts.text import documents
from xstilts.world.concepts import DOMAINS

# -- divergences


def pieces(task, split, lang, *about):
    """Words as numbers, one array a text, of the rows about these domains."""
    rows = [row for row in load(TASKS[task], split, lang, data="world") if row["domain"] in about]
    return [np.array([crc32(word.encode()) for word in row["context"].lower().split()])
            for row in rows][:150]  # fmt: skip


def test_english_of_one_domain_is_near_and_of_another_far():
    """(i): the target's English side, so the language it is asked in does not matter."""
    science = pieces("squad_v1", "train", "en", "science")
    same = divergence.jensen_shannon(science[::2], science[1::2])
    other = divergence.jensen_shannon(science[::2], pieces("squad_v1", "train", "en", "travel"))
    assert abs(same) < 0.01 < 0.08 < other


def test_an_unlike_language_is_far_by_its_words_alone():
    english, other = (pieces("xquad", "test", lang, "home") for lang in ("en", "qah"))
    assert divergence.jensen_shannon(english, other) > 0.3


@pytest.fixture
def space():
    """Vectors of three kinds of texts, and each language's mean on text of every domain."""
    dice = np.random.default_rng(0)
    mix, far = dice.normal(size=(24, 24)) / 5, 3 * dice.normal(size=24)
    tongue = {"en": np.zeros(24), "qah": far}
    subject = {"home": np.zeros(24), "science": 0.8 * dice.normal(size=24)}

    def texts(lang, domain, n=200):
        spread = 1.6 if domain == "science" else 1.0
        return spread * dice.normal(size=(n, 24)) @ mix + tongue[lang] + subject[domain]

    neutral = {lang: np.concatenate([texts(lang, d, 600) for d in subject]).mean(0)
               for lang in tongue}  # fmt: skip
    return texts, neutral


@pytest.mark.parametrize(
    ("measure", "nothing", "much"),
    [(divergence.centroid, 0.05, 0.3), (divergence.coral, 0.05, 0.3), (divergence.proxy_a, 0.3, 1)],
)
def test_less_its_languages_mean_a_domain_is_the_same_in_another_language(
    measure, nothing, much, space
):
    """(ii) is about nothing for the same domain, (iii) is not; another domain is far in both."""
    texts, neutral = space
    home, there = texts("en", "home"), texts("qah", "home")
    assert abs(measure(home - neutral["en"], there - neutral["qah"])) < nothing
    away = texts("qah", "science")
    assert measure(home - neutral["en"], away - neutral["qah"]) > much
    if measure is not divergence.coral:  # covariances have no mean to take off
        assert measure(home, there) > much
    assert abs(measure(home, texts("en", "home", 200))) < nothing


def test_texts_are_chosen_alike_in_length_and_as_many():
    dice = np.random.default_rng(1)
    a, b = dice.integers(5, 40, 300), dice.integers(20, 60, 200)
    one, two = divergence.alike(a, b)
    assert len(one) == len(two) > 30 and len(set(one)) == len(one)
    assert abs(a[one].mean() - b[two].mean()) < 1.5 < abs(a.mean() - b.mean())
    assert len(divergence.alike(a, b, most=10)[0]) == 10
    with pytest.raises(ValueError, match="as many of each"):
        divergence.proxy_a(np.zeros((9, 2)), np.zeros((8, 2)))


def test_a_classifier_that_never_errs_gives_two():
    dice = np.random.default_rng(2)
    a = dice.normal(size=(60, 5))
    assert divergence.proxy_a(a, a + 20) == pytest.approx(2)


def test_divergences_read_as_matrices_and_go_with_scores_or_not():
    rows = [{name: "" for name in MEASURE_COLUMNS} | {"task": "a>b", "lang": lang, "layer": 2,
             "measure": "js_subwords", "domain": f"{x}>{y}", "value": float(x != y)}
            for lang in ("en", "qaa") for x in "pqr" for y in "pqr"]  # fmt: skip
    found = nearness.apart(pd.DataFrame(rows), "js_subwords", "a>b", ["en"], 2)
    assert (found.to_numpy() == 1 - np.eye(3)).all() and list(found) == list("pqr")
    assert nearness.apart(pd.DataFrame(rows), "coral", "a>b").empty
    score = 50 + pd.DataFrame(5 * np.eye(3), list("pqr"), list("pqr"))
    score = score.add([0, 7, 20], axis=0).add([3, 9, 1], axis=1)  # of no matter
    r, p = nearness.association(found, score)
    assert r == pytest.approx(-1) and 0.1 < p < 0.3  # a sixth of the orders do as well
    assert np.isnan(nearness.association(found, score * 0)).all()


# -- rows and recipes


def test_rows_nearest_to_a_domain_are_mostly_of_it():
    own = Recipe("near", tasks=("squad_v1",), nearest=("tydiqa/science",), examples=900)
    hyper = resolve(own, SETTINGS["tiny-xlmr"], "intermediate")
    rows = training_rows(TASKS["squad_v1"], own, hyper, "world")
    assert len(rows) == 900
    assert sum(row["domain"] == "science" for row in rows) > 700  # 290 at random
    with pytest.raises(BadInput, match="no rows of domain 'sciense': did you mean 'science'"):
        wrong = replace(own, nearest=("tydiqa/sciense",))
        training_rows(TASKS["squad_v1"], wrong, hyper, "world")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"nearest": ("tydiqa",)}, "nearest chooses 'examples' rows"),
        ({"align": "coral"}, "align takes the share 'mlm'"),
        ({"align": "corral", "mlm": 0.3}, "align 'corral': did you mean 'coral'"),
    ],
)
def test_what_cannot_be_meant_is_refused(more, message):
    with pytest.raises(BadInput, match=message):
        check(Recipe("r", tasks=("squad_v1",), **more), [TASKS["squad_v1"]])


def test_the_subject_of_a_document_is_the_domain_it_was_drawn_from(monkeypatch):
    from xstilts.world import corpus

    drawn = []

    def told(real, dice, pool, domain, *more):
        drawn[-1].add(domain)
        return real(dice, pool, domain, *more)

    for sort in ("story", "contrast", "facts", "numbers", "reasons"):
        monkeypatch.setattr(corpus, sort, partial(told, getattr(corpus, sort)))
    found = []
    drawn.append(set())
    monkeypatch.setattr(corpus, "DOCUMENTS", 60)
    for domain in corpus.subjects("qah"):  # the document is drawn after it is named
        found.append(domain)
        drawn.append(set())
    next_one = drawn.pop(0)
    assert not next_one
    assert [{domain} for domain in found] == drawn and set(found) == set(DOMAINS)


def test_running_text_about_some_subjects(monkeypatch, tmp_path):
    for domain, word in (("law", "court"), ("sea", "boat")):
        (tmp_path / domain).mkdir()
        (tmp_path / domain / "de.txt").write_text(f"{word} eins .\n" * 400, "utf-8")
    monkeypatch.setenv("XSTILTS_TEXT", str(tmp_path))
    said = {word for doc in documents("hub", (), 9000, ("law",))["de"] for word in doc}
    assert said == {"court eins ."}
    both = documents("hub", (), 9000, ("law", "sea"))["de"]
    assert {line for doc in both for line in doc} == {"court eins .", "boat eins ."}
    with pytest.raises(MissingData):
        documents("hub", (), 9000, ("air",))
    with pytest.raises(BadInput, match="no domain 'air'"):
        documents("world", ("qah",), 9000, ("air",))


# -- contrasts


QUICK = {"settings": ["tiny-xlmr"], "seeds": [1, 2, 3], "targets": ["tydiqa"],
         "studies": ["domain_shift"],
         "recipes": ["none", *({"name": f"squad-{d}", "tasks": ["squad_v1"], "domains": [d],
                                "examples": 50, "updates": 9} for d in ("market", "science"))],
         "also": [{"targets": ["panx"], "recipes": ["none", "squad-market", "squad-science"]},
                  {"targets": ["tydiqa"], "recipes": [
                      {"name": "squad", "tasks": ["squad_v1"], "updates": 9},
                      {"name": "squad-text", "tasks": ["squad_v1"], "updates": 9, "mlm": 0.3,
                       "mlm_domains": ["home"]}]}]}  # fmt: skip
ABOUT = ("home", "market", "science", "sport", "travel")


def collected(grid, own=0.0, noise=0.3, lack=lambda run: False, seed=0):
    """What `snapshot.collect` gives: 20, less for some domains, and `own` points on a recipe's."""
    dice, rows, runs = np.random.default_rng(seed), [], plan(grid)
    for run in runs:
        if run.leaves != "scores" or lack(run):
            continue
        recipe = run.grid.recipe(run.params["recipe"])
        luck = noise * dice.normal(size=len(ABOUT))
        level = {d: 20 - 3 * n + luck[n] + own * (d in (*recipe.domains, *recipe.mlm_domains))
                 for n, d in enumerate(ABOUT)}  # fmt: skip
        who = {"target": "", "split": "test", "suite": "x", "run": run.id} | dict(run.params)
        rows += [who | {"task": task.name, "lang": lang, "metric": metric, "domain": d,
                        "bin": "short", "hit": 0.5 * level[d], "said": 50.0, "gold": 50.0, "n": 50,
                        "truncated": 0}
                 for task in run.tasks for lang in languages(task, run.setting.data)
                 for metric in {"span": ("exact_match", "f1")}.get(task.form, ("f1",))
                 for d in ABOUT]  # fmt: skip
    groups = pd.DataFrame(rows, columns=GROUP_COLUMNS)
    same = [name for name in COLUMNS if name in groups and name != "n"]
    sums = groups.groupby(same, sort=False)[["hit", "said", "gold"]].sum().reset_index()
    sums["value"] = 200 * sums["hit"] / (sums["said"] + sums["gold"])
    scores = sums.reindex(columns=list(COLUMNS), fill_value="")
    there = set(groups["run"])
    missing = [r.id for r in runs if r.leaves in ("scores", "measures") and r.id not in there]
    return Collected(scores, pd.DataFrame(columns=list(MEASURE_COLUMNS)), groups, scores[:0],
                     missing, [], "made up")  # fmt: skip


def matched(own, **more):
    grid = read(QUICK)
    found = domains.cells(collected(grid, own, **more).examples, "tiny-xlmr", "tydiqa", "tydiqa")
    return length.contrast(found, domains.matched(domains.arms(grid)[0]))


def test_arms_differ_in_domains_alone():
    first, *others = domains.arms(read("domain"))
    assert first == {f"squad_v1-{d}": (d,) for d in ("market", "science", "travel")}
    assert [list(group) for group in others] == [
        ["squad_v1-mlm", "squad_v1-mlm-other"],
        ["mnli-market", "mnli-science", "mnli-travel"],
    ]
    assert domains.mitigations(read("domain")) == {
        "squad_v1-nearest": ("squad_v1-mixed", ("science",)),
        "squad_v1-mlm-en": ("squad_v1", ("home", "sport")),
        "squad_v1-mlm": ("squad_v1", ("home", "sport")),
        "squad_v1-mlm-other": ("squad_v1", ("market", "science", "travel")),
        "squad_v1-coral": ("squad_v1", ("home", "sport")),
    }


@pytest.mark.parametrize(
    "weights",
    [
        domains.matched({"a": ("p",), "b": ("q",), "c": ("r",)}),
        domains.matched({"a": ("p", "q"), "b": ("r",)}),
        domains.gain(["a", "b"], ["c"], ["p"], ["q", "r"]),
        domains.kept({"a": ("p",), "b": ("q",)}, "none", own=False),
        domains.kept({"a": ("p",), "b": ("q",)}, "none", own=True),
    ],
)
def test_how_hard_a_domain_is_does_not_enter(weights):
    for domain in {domain for _, domain in weights}:
        assert sum(w for (_, d), w in weights.items() if d == domain) == pytest.approx(0)
    assert sum(abs(w) for w in weights.values()) in (pytest.approx(2), pytest.approx(4))


def test_a_contrast_with_nobody_is_none():
    assert domains.gain([], ["a"], ["p"]) == domains.gain(["a"], [], ["p"], ["q"]) == {}


@pytest.mark.parametrize("own", [0.0, 4.0])
def test_the_contrast_is_what_was_put_in(own):
    found = matched(own, noise=0.0)
    assert found.shape == (3, 15) and found.to_numpy() == pytest.approx(own)
    assert length.over(found).tolist() == pytest.approx(3 * [own])
    assert length.over(found, english=True).tolist() == pytest.approx(3 * [own])


def test_a_seed_that_lacks_an_arm_is_left_out():
    found = matched(4.0, lack=lambda run: run.id.startswith("tiny-xlmr.s2/squad-market"))
    assert list(found.index) == [1, 3]
    assert matched(4.0, lack=lambda run: "squad-market" in run.id).empty
    assert length.over(matched(4.0, lack=lambda run: True)).empty


# -- grid and notebook


def test_the_grid_at_real_sizes_plans_as_its_comment_says():
    text = (GRIDS / "domain.yaml").read_text("utf-8")
    real = yaml.safe_load(text[text.index("# settings:") :].replace("\n# ", "\n")[2:])
    grid = read(real)
    assert len(domains.arms(grid)[0]) == 5
    zero = [run for run in plan(grid) if run.leaves == "scores"]
    assert len(zero) == 25 and {t.name for run in zero for t in run.tasks} == {"xnli_genres"}
    assert plan(yaml.safe_load(text) | {"settings": ["xlmr-base"]})


def test_arms_of_the_primary_contrast_are_trained_alike():
    runs = [run for run in plan("domain", seeds=[1]) if run.phase == "intermediate"]
    first = domains.arms(read("domain"))[0]
    hyper = {str(replace(run.hyper, source={})) for run in runs if run.params["recipe"] in first}
    assert len(hyper) == 1


@pytest.fixture
def shown(monkeypatch, tmp_path):
    """Runs the notebook on made-up results of the small grid."""
    path = tmp_path / "quick.yaml"
    path.write_text(yaml.safe_dump(QUICK), "utf-8")
    monkeypatch.setenv("XSTILTS_OUT", str(tmp_path / "out"))
    monkeypatch.setattr("IPython.display.display", lambda *_: None)

    def run(results):
        monkeypatch.setattr("xstilts.snapshot.collect", lambda runs, examples: results)
        return SimpleNamespace(**play("11_domain_shift", grid=str(path)))

    return run


def test_the_notebook_finds_what_was_put_in(shown):
    space = shown(collected(read(QUICK), own=4.0))
    assert space.primary.low > 0 and 3 < space.primary.estimate < 5
    assert "holds" in space.closing
    none = shown(collected(read(QUICK), own=0.0, noise=0.3, seed=2))
    assert none.primary.low < 0 < none.primary.high


def test_the_notebook_reads_one_seed_and_nothing_at_all(shown):
    one = shown(collected(read(QUICK), 4.0, lack=lambda run: run.params["seed"] > 1))
    assert one.primary.seeds == 1 and "cannot tell" in one.closing
    assert len(shown(collected(read(QUICK), lack=lambda run: True)).collected.missing) == 24


@pytest.mark.parametrize(
    "spoil", ["twice", "a stranger", "too many hits", "other examples", "gone"]
)
def test_its_check_refuses_spoilt_results(spoil, shown):
    results = collected(read(QUICK))
    rows = results.examples.copy()
    if spoil == "twice":
        rows = pd.concat([rows, rows.iloc[[7]]], ignore_index=True)
    elif spoil == "a stranger":
        rows.loc[7, "run"] = "mbert.s1/none/zero-tydiqa"
    elif spoil == "too many hits":
        rows.loc[7, "hit"] = 55.0
    elif spoil == "other examples":
        rows.loc[7, ["said", "gold", "n"]] = [40.0, 40.0, 40]
    else:
        rows = rows.drop(index=7)
    with pytest.raises((AssertionError, UserError)):
        shown(replace(results, examples=rows))


def test_in_the_encoder_that_ships_a_domain_is_the_same_in_another_language(monkeypatch):
    """(i) and (ii) are about nothing for the same domain, also in a far language; (iii) is not."""
    monkeypatch.setattr(measure, "languages", lambda task, data: ("en", "qah"))
    monkeypatch.setattr(measure, "COMPARED", (("squad_v1", "train", "tydiqa"),))
    monkeypatch.setattr(measure, "PARALLEL", 80)
    rows = measure.measured("domains", start(SETTINGS["tiny-xlmr"]), SETTINGS["tiny-xlmr"])

    def apart(name, lang):
        found = nearness.apart(rows, name, "squad_v1>tydiqa", [lang], None if "js" in name else 2)
        found = found[["market", "science", "travel"]].to_numpy()
        return found.diagonal().mean(), found[~np.eye(3, dtype=bool)].mean()

    same, other = apart("js_subwords", "en")
    assert same < 0.06 < 0.09 < other  # English on both sides; disjoint names keep it above 0
    same, other = apart("centroid_centred", "qah")
    assert -0.05 < same < 0.08 < other
    assert apart("centroid", "qah")[0] > 1
    assert apart("centroid", "en")[0] < 0.04
