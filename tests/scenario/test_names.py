from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crisis_sim.scenario import load_scenario, read_scenario
from crisis_sim.scenario.errors import ScenarioError
from crisis_sim.scenario.source import composed, is_agent_name, is_file_name, near_agent_name
from tests.scenario.files import BASE, Write

#: Names of places as those who live there write them.
NAMES = (
    *("भारत", "पाकिस्तान", "বাংলাদেশ", "ශ්\u200dරී_ලංකා", "இலங்கை", "ไทย", "กัมพูชา", "မြန်မာ", "ខ្មែរ"),
    *("پاکستان", "مِصْر", "كُوَيْت", "می\u200cخواهم", "ישראל", "россия", "հայաստան", "საქართველო"),
    *("র\u200d্যাব", "മോഹന്\u200d", "శ్రీ", "ಕರ್ನಾಟಕ", "ਪੰਜਾਬ", "ગુજરાત", "ଓଡ଼ିଶା", "اَلْهِنْد", "ลาว"),
    *("中国", "日本", "한국", "perú", "méxico", "côte_d_ivoire", "việt_nam", "ኢትዮጵያ", "རྒྱ_གར"),
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_agents_and_files_may_be_called_in_any_script(tmp_path: Path, name: str, form: str) -> None:
    written = unicodedata.normalize(form, name)
    path = tmp_path / f"{written}.yaml"
    path.write_text(BASE.replace("uae:", f"{written}:"), encoding="utf-8")
    known = unicodedata.normalize("NFC", name)
    scenario = load_scenario(path, [f"mediators.{written}.attention_threshold=0.25"])
    assert scenario.name == known
    assert scenario.mediators[known].attention_threshold == 0.25


@pytest.mark.parametrize("name", NAMES)
def test_a_name_means_the_same_wherever_and_however_it_is_written(write: Write, name: str) -> None:
    composed_form, decomposed = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    text = BASE.replace("india", decomposed)
    text = text.replace(f"struck: {decomposed}", f"struck: {composed_form}")
    assert {composed_form, "pakistan"} == {*read_scenario(text).states}
    digests = {
        read_scenario(BASE.replace("india", one)).digest for one in (composed_form, decomposed)
    }
    assert len(digests) == 1


@pytest.mark.parametrize(("asked", "there"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_file_is_found_whichever_way_its_name_is_spelt_on_the_disk(
    write: Write, tmp_path: Path, asked: str, there: str
) -> None:
    base = write(unicodedata.normalize(there, "méxico_perú.yaml"), BASE)
    named = unicodedata.normalize(asked, base.name)
    assert load_scenario(tmp_path / named).name == "méxico_perú"
    over = write("over.yaml", f"extends: {named}\ntitle: other\n")
    assert load_scenario(over).title == "other"


@pytest.mark.parametrize(
    "name",
    [
        "a\u200eb", "a\u200fb", "a\u061cb", "a\u202eb", "a\u2066b", "a\u200bb", "a\u00adb", "a\u2060b",
        "a\u200db", "a\u200cb", "\u200da", "\u0301a", "_\u0301", "a\u20dd", "a😀", "a\x07b",
    ],
)  # fmt: skip
def test_what_steers_writing_or_hangs_in_the_air_has_no_place_in_a_name(name: str) -> None:
    assert not is_agent_name(composed(name))
    assert not is_file_name(composed(name))


@settings(max_examples=200)
@given(st.text(max_size=45))
def test_a_name_is_its_own_form_and_the_nearest_name_is_one(text: str) -> None:
    name = composed(text)
    if is_agent_name(name):
        assert composed(name) == name == name.lower()
        assert all(
            unicodedata.category(mark)[0] in "LMN" or mark in "_\u200c\u200d" for mark in name
        )
    near = near_agent_name(text)
    assert near == "" or is_agent_name(near)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(categories=["L", "Mn", "Mc", "Nd"]), min_size=1, max_size=12))
def test_both_spellings_of_a_name_are_names_or_neither_is(text: str) -> None:
    spellings = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]
    assume(not any(mark in text for mark in "\u200c\u200d"))
    found = set()
    for one in spellings:
        try:
            found.add(read_scenario(BASE.replace("uae:", f'"{one}":')).digest)
        except ScenarioError:
            found.add("")
    assert len(found) == 1


def test_measures_of_agents_are_found_by_their_names() -> None:
    from crisis_sim.outcomes.measures import Columns
    from crisis_sim.outcomes.names import by_name

    scenario = read_scenario(BASE.replace("india", "भारत"))
    assert by_name("median_भारत_lowest_market", Columns.of(scenario)) is not None
    assert by_name("ceasefire_within_٩٦_hours") is None
