import pytest

from xstilts import world
from xstilts.languages import Language, language, languages, table
from xstilts.paths import BadInput
from xstilts.tasks import TASKS, Task

XTREME_40 = (
    "af ar bg bn de el en es et eu fa fi fr he hi hu id it ja jv ka kk ko ml mr ms my nl pt ru "
    "sw ta te th tl tr ur vi yo zh"
)
MORE_10 = "az gu ht lt pa pl qu ro uk wo"


def test_the_table_holds_xtreme_s_forty_languages_and_xtreme_r_s_ten_more():
    assert set(table()) == {*XTREME_40.split(), *MORE_10.split()}
    assert all(code == row.code for code, row in table().items())


def test_no_two_languages_share_a_name_form():
    for form in ("iso3", "name"):
        assert len({getattr(row, form) for row in table().values()}) == len(table())


@pytest.mark.parametrize(
    ("code", "iso3"),
    [pair.split() for pair in ("fa pes", "sw swh", "zh cmn", "de deu", "tl tgl", "ro ron")],
)
def test_three_letter_codes_are_those_of_tatoeba(code, iso3):
    assert language(code).iso3 == iso3


def test_a_language_that_the_table_lacks_is_known_by_its_code():
    assert language("qaa") == Language("qaa", "qaa", "qaa")


def test_languages_on_the_hub_are_the_record_s():
    xquad = TASKS["xquad"]
    assert languages(xquad, "hub", "xtreme-r") == (*languages(xquad, "hub", "xtreme"), "ro")
    assert languages(xquad, "hub") == languages(xquad, "hub", "xtreme-r")
    assert languages(TASKS["pawsx"], "hub", "xtreme-r") == ()
    assert languages(TASKS["qqp"], "hub") == ("en",)


def test_languages_in_the_world_are_the_world_s():
    assert languages(TASKS["udpos"], "world", "xtreme") == ("en", *world.LANGS)
    assert languages(TASKS["tatoeba"], "world") == world.LANGS
    assert languages(TASKS["mnli"], "world") == ("en",)
    assert set(languages(TASKS["bucc2018"], "world")) < set(world.LANGS)
    assert languages(TASKS["bucc2018"], "world", "xtreme-r") == ()


def test_a_task_with_files_keeps_its_own_languages_in_either_world():
    own = Task("own", "Own", "tag", langs={"mine": ("en", "qrr")}, files={"test": "{code}.csv"})
    assert languages(own, "world") == languages(own, "hub", "mine") == ("en", "qrr")
    assert languages(own, "hub", "xtreme") == ()
    with pytest.raises(BadInput, match="did you mean 'mine'"):
        languages(own, "hub", "mime")
