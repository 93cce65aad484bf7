"""The report: its pages for a whole release, an empty one, withheld figures, and names as bad as names come."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.unit.report_kit import EMPTY_QUARTER, ENDLESS, REASON, WITHHELD_COVERAGE, release_in
from warehouse.report import write_report
from warehouse.report.read import LARGEST_VILLAGES
from warehouse.report.site import NAVIGATION

LANGUAGES = ("kk", "ru", "en")


class Outline(HTMLParser):
    """What a page is made of: language, titles, links, tags that run, text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.lang, self.title, self.links, self.ids, self.scripts, self.text = "", "", [], [], [], ""
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self._open.append(tag)
        self.lang = found.get("lang") or "" if tag == "html" else self.lang
        self.ids += [found["id"]] if found.get("id") else []
        self.links += [value for name in ("href", "src") if (value := found.get(name))]
        self.scripts += [found.get("src")] if tag == "script" else []

    def handle_data(self, data: str) -> None:
        self.title += data if self._open[-1:] == ["title"] else ""
        self.text += f" {data} "

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open[:-1]


def written(folder: Path, *changes: str, filled: bool = True, without: tuple[str, ...] = ()) -> Path:
    release = release_in(folder / "release", *changes, filled=filled, without=without)
    write_report(release)
    return release / "report"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("report"))


@cache
def outline(path: Path) -> Outline:
    return Outline(path.read_text(encoding="utf-8"))


def page(report: Path, name: str) -> Outline:
    return outline(report / f"{name}.html")


def text(report: Path, name: str) -> str:
    return " ".join(page(report, name).text.split())


def hashes(report: Path) -> dict[str, str]:
    files = sorted(path for path in report.rglob("*") if path.is_file())
    return {str(path.relative_to(report)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_every_page_is_there_in_three_languages(report: Path) -> None:
    regions = {f"region-{kato}" for kato in ("100000000", "710000000", "999000000")}
    for code in LANGUAGES:
        assert {path.stem for path in (report / code).glob("*.html")} == {*NAVIGATION, *regions}
        assert all(page(report, f"{code}/{name}").lang == code for name in NAVIGATION)


def test_sample_stands_in_the_title_and_on_every_page(report: Path) -> None:
    for path in report.rglob("*.html"):
        found = outline(path)
        assert found.title.startswith("SAMPLE · "), path
        assert 'class="sample"' in path.read_text(encoding="utf-8"), path


def test_a_release_that_is_no_sample_does_not_say_so(tmp_path: Path) -> None:
    report = written(tmp_path, filled=False)
    assert not [path for path in report.rglob("*.html") if "SAMPLE" in path.read_text(encoding="utf-8")]


def test_no_page_needs_a_network_and_every_link_leads_somewhere(report: Path) -> None:
    """Sources on the web are named as links; nothing is loaded from there."""
    release = {"datapackage.json", "publication.json", "dcat.jsonld"}
    for path in report.rglob("*.html"):
        found = outline(path)
        assert found.scripts in (["../assets/report.js"], ["assets/report.js"]), path
        assert not re.search(r"""(src|url)\s*[=(]\s*["']?(https?:)?//""", path.read_text(encoding="utf-8")), (
            path
        )
        for link in found.links:
            target, _, anchor = link.partition("#")
            if target.startswith("https://") or Path(target).name in release:
                continue
            file = (path.parent / target).resolve() if target else path
            assert file.is_file(), f"{path.name} links to {link}"
            if anchor and anchor != "main":
                assert anchor in outline(file).ids, f"{path.name} links to {link}"


def test_the_first_screen_has_all_nine_statements_with_target_and_verdict(report: Path) -> None:
    front = page(report, "en/index")
    assert [each for each in front.ids if re.fullmatch(r"S\d", each)] == [
        f"S{number}" for number in range(1, 10)
    ]
    told = text(report, "en/index")
    assert "Figure 90.0% 31 Dec 2025 Target 99.0% by 31 Dec 2027 Projection 95.0% 94.0% – 96.0%" in told
    assert "Off track" in told
    assert "99.0% Not checkable yet" in told
    assert "This release has no figures for this section." in told, "systems without a target"


def test_numbers_and_dates_are_written_as_readers_write_them(report: Path) -> None:
    assert "90,0\N{NO-BREAK SPACE}%" in page(report, "ru/index").text
    assert "31 дек. 2025\N{NARROW NO-BREAK SPACE}г." in page(report, "ru/index").text
    assert "90,0%" in page(report, "kk/index").text
    assert "2025\N{NARROW NO-BREAK SPACE}ж. 31 жел." in page(report, "kk/index").text
    assert "40\N{NO-BREAK SPACE}000" in page(report, "ru/index").text
    assert "40,000" in page(report, "en/index").text


def test_names_are_text_whatever_is_in_them(report: Path) -> None:
    for path in report.rglob("*.html"):
        content = path.read_text(encoding="utf-8")
        assert "<script>alert" not in content
        assert "javascript:" not in content, "an address that is no address of a page is no link"
        assert "Because <i>" not in content
    for name in ("highways", "cities", "projects", "region-100000000"):
        content = (report / "en" / f"{name}.html").read_text(encoding="utf-8")
        names = re.findall("<([a-z]+)[^>]*>[^<]*\N{RIGHT-TO-LEFT OVERRIDE}", content.split("<main")[1])
        assert set(names) == {"bdi"}, "a mark that turns the text round ends with its name"
    assert ENDLESS in text(report, "kk/region-999000000")


def test_zero_unknown_and_withheld_are_three_different_things(report: Path) -> None:
    content = (report / "en" / "coverage.html").read_text(encoding="utf-8")
    assert '<td class="num share c0" data-v="0.000000">0.0%</td>' in content
    assert '<td class="num"><span class="unknown">' in content, (
        "5G is not known in the region with hostile names"
    )
    evidence = (report / "en" / "evidence.html").read_text(encoding="utf-8")
    assert '<span class="withheld" title="12 tests, fewer than the 30">withheld</span>' in evidence
    assert "<li>12 tests, fewer than the 30</li>" in evidence, "the reason can be read without a mouse"


def test_what_is_not_the_whole_is_never_rounded_up_to_it(report: Path) -> None:
    assert '<td class="num share c5" data-v="99.990000">99.9%</td>' in (
        report / "en" / "region-100000000.html"
    ).read_text(encoding="utf-8")


def test_rural_connection_is_a_ladder(report: Path) -> None:
    told = text(report, "en/rural")
    for rung in ("Trunk fibre", "Access network", "Orderable", "With subscribers"):
        assert rung in told
    assert "2 villages 66.7%" in told
    assert not re.search(r"(?i)\b\d+ (villages )?connected\b", told)


def test_gaps_of_a_region_are_its_villages_without_4g_and_its_roads(report: Path) -> None:
    told = text(report, "en/region-100000000")
    assert "1 of 2 villages have no 4G" in told
    assert "nothing mobile" in told
    assert "any service 12.5" in told
    assert "Bar" not in told.split("Villages without 4G")[1].split("Stretches of road")[0]


def test_villages_of_unknown_size_are_all_told_and_none_is_called_the_largest(tmp_path: Path) -> None:
    """As in the open tier, where the people of single villages are not told."""
    many = f"""
        insert into marts.dim_settlement by name
        select '10101' || (1000 + range) as settlement_kato, '100000000' as region_kato, '101000000' as district_kato,
            'Village ' || range as name_en, true as is_programme, true as is_rural, 'published' as status
        from range({LARGEST_VILLAGES + 5})
    """
    told = text(written(tmp_path / "sized", many), "en/region-100000000")
    assert f"{LARGEST_VILLAGES} largest" in told
    assert f"Village {LARGEST_VILLAGES + 4}" not in told
    told = text(
        written(tmp_path / "open", many, "update marts.dim_settlement set population = null"),
        "en/region-100000000",
    )
    assert "largest" not in told
    assert "people of single villages are not published" in told
    assert all(f"Village {number}" in told for number in range(LARGEST_VILLAGES + 5))


def test_a_metric_withheld_everywhere_leaves_readable_pages(tmp_path: Path) -> None:
    report = written(tmp_path, WITHHELD_COVERAGE)
    told = text(report, "en/index")
    assert f"withheld {REASON}" in told
    assert "90.0" not in told
    for name in ("coverage", "region-100000000", "evidence"):
        content = (report / "ru" / f"{name}.html").read_text(encoding="utf-8")
        assert 'class="withheld"' in content
        told = "проверка coverage.people не пройдена"
        assert f'<li>{told}<span lang="en">: 1 row; look at the filing</span></li>' in content
    assert "90,0" not in text(report, "ru/coverage")
    told = text(report, "en/region-100000000")
    assert "nothing mobile" not in told, "who is uncovered is not known when filings are withheld"
    assert f"These figures are withheld. {REASON}" in told


def test_an_empty_quarter_breaks_the_line_and_nothing_else(tmp_path: Path) -> None:
    report = written(tmp_path, EMPTY_QUARTER)
    content = (report / "en" / "region-100000000.html").read_text(encoding="utf-8")
    assert re.search(r'class="line g4" d="M[\d. ]+h0M[\d. ]+h0"', content)
    assert "80.0%" in content


def test_an_empty_release_has_every_page(tmp_path: Path) -> None:
    report = written(tmp_path, filled=False)
    for code in LANGUAGES:
        assert {path.stem for path in (report / code).glob("*.html")} == set(NAVIGATION)
    assert text(report, "en/rural").count("This release has no figures for this section.") == 2


def test_a_mart_that_could_not_be_built_is_an_empty_section(tmp_path: Path) -> None:
    report = written(tmp_path, without=("fct_highway_coverage", "fct_highway_gap", "fct_target_progress"))
    assert "This release has no figures for this section." in text(report, "en/highways")


def test_a_road_whose_gaps_are_not_told_is_not_drawn_as_covered(report: Path, tmp_path: Path) -> None:
    assert (report / "en" / "highways.html").read_text(encoding="utf-8").count('class="strip"') == 1
    lost = f"update marts.fct_highway_gap set start_km = null, end_km = null, withheld_reason = '{REASON}'"
    content = (written(tmp_path, lost) / "en" / "highways.html").read_text(encoding="utf-8")
    assert 'class="strip"' not in content
    assert f"<li>{REASON}</li>" in content


def test_changes_tell_what_they_are_made_of(report: Path, tmp_path: Path) -> None:
    told = text(report, "en/changes")
    assert "Against release pub-0." in told
    assert "revised a sender replaced a filing 1 " in told
    assert "88.5% 90.0% 31 Dec 2025 1.50 Correction: 1.25 Rest: 0.25" in told
    first = written(tmp_path, "delete from marts.fct_revision")
    assert "There is no release before this one" in text(first, "en/changes")


def test_equal_releases_have_equal_reports(report: Path, tmp_path: Path) -> None:
    assert hashes(written(tmp_path)) == hashes(report)


def test_a_report_is_never_written_over_another(report: Path) -> None:
    with pytest.raises(FileExistsError):
        write_report(report.parent)
