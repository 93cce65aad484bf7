"""Why a file or a row is not taken as it is: rule ids, and what each asks the sender to do.

Belongs here: the catalogue of rules and the error that ends one file. Does not belong here: finding the faults.
"""

from __future__ import annotations

from dataclasses import dataclass

# Rules that take a row out of the accepted ones, with the remedy in the sender's terms.
ROW_RULES: dict[str, str] = {
    "required_missing": "fill the value in; it may not be empty",
    "not_a_number": "write a number in the form of the layout",
    "not_an_integer": "write a whole number; it is not rounded here",
    "not_a_date": "write a date in the format of the layout, of the years 1900 to 2199",
    "below_minimum": "below the lowest value the contract allows; mend it or ask for the contract to change",
    "above_maximum": "above the highest value the contract allows; mend it or ask for the contract to change",
    "not_allowed": "use one of the values the contract lists",
    "formula_error": "the cell holds a formula's error, or one never computed; write the value, or leave it empty",
    "value_not_mapped": "the layout does not know this word; use a known one or add it to the layout's map",
    "pattern_mismatch": "write the value in the form the contract asks for",
    "kato_unknown": "no edition of KATO has this code; look it up at stat.gov.kz and file it again",
    "kato_retired": "the code was abolished without a successor; file the place that took its people",
    "kato_wrong_level": "the code is no place of the level this extract is about",
    "kato_region_mismatch": "the code lies in another region than the row says; one of the two is wrong",
    "kato_district_mismatch": "the code lies in another district than the row says; one of the two is wrong",
    "region_unknown": "no region is called so, so the code stays unchecked; write it as KATO does",
    "kato_name_mismatch": "in this district the name is that of another code; one of the two is wrong",
    "place_not_found": "no place of this name in this district; file the KATO code",
    "place_ambiguous": "several places of this name in this district; file the KATO code",
    "place_context_missing": "a name alone is not enough; file region and district, or the KATO code",
    "future_period": "the date lies after the period that the file is for",
    "other_period": "the row speaks of another quarter than the file; file it with its own quarter",
    "not_quarter_end": "the extract speaks of ends of quarters; write the last day of one, such as 2026-06-30",
    "total_row": "a total is not a row of data; leave it out",
    "key_conflict": "two rows of one key say different things; file one",
    "wrong_field_count": "the line has more or fewer fields than the header; check quotes and delimiters",
    "above_first_row": "the row stands between the header and the first row that the layout reads; move it below, take "
    "it out, or mend the layout's 'first_row'",
    "merged_number": "a number stands in a cell merged over several rows; write in each row what is its own",
    "value_without_header": "the value stands under no header; name the column, or take the value out",
    "line_break_in_field": "a field holds a line break: a quote was opened and not closed, or lines ran together",
    "header_repeated": "a header stands among the rows; leave it out",
    "geometry_missing": "the row has no geometry; draw it, or leave the row out",
    "geometry_empty": "the geometry holds no point, no length or no area; draw it again",
    "geometry_unreadable": "the geometry cannot be read; export the file again",
    "geometry_wrong_type": "this extract takes another type of geometry; see the contract",
    "coordinates_swapped": "latitude and longitude stand in each other's place; exchange them",
    "outside_country": "lies outside the country; mend the coordinates, or what the file says they refer to",
    "mixed_encoding": "the text was written in another encoding than the rest of the file; save all of it in one",
    "nul_character": "the field holds NUL characters (shown as ␀), as damaged files do; export the file again",
}

# Rules by which a row is no data at all.
NO_DATA_RULES = frozenset({"total_row", "header_repeated"})

# Outcomes of a whole file.
FILE_RULES: dict[str, str] = {
    "unmatched": "no layout knows this file name; rename the file, or add a layout",
    "no_delivery": "if it holds data after all, rename it as its layout says",
    "ambiguous_layout": "more than one layout takes this file name; make their patterns exclude each other",
    "wrong_encoding": "save the file in the encoding of the layout, or change the layout",
    "missing_column": "a column of the layout is not in the file; restore it, or change the layout",
    "unmapped_column": "the file has a column that the layout does not name; map it or list it under 'ignore'",
    "duplicate_header": "two columns have one name, and the layout reads it; rename one",
    "reserved_column": "Qamtu gives that name to columns of its own; rename the column in the file and in the layout",
    "empty_file": "the file holds no rows; send it again",
    "unreadable_workbook": "the workbook cannot be opened; it was cut off or is of another format; send it again",
    "formulas_not_computed": "no program has computed the formulas; open the workbook in one and save it",
    "unreadable_file": "the file cannot be read as its layout says; open it, mend it and send it again",
    "missing_sheet": "the workbook has no such sheet, or only a hidden one; restore it, or name it in the layout",
    "rows_unaccounted": "this is an error of Qamtu, not of the file; nothing of it is taken; report this message",
    "no_rows_accepted": "no row of the file passed its contract; see the quarantined rows",
    "correction_expired": "the source changed what a correction was made for; remove the entry or renew it",
    "unreadable_features": "the file cannot be read as GeoJSON, GeoPackage or Shapefile; export it again",
    "incomplete_shapefile": "a Shapefile is .shp, .shx, .dbf and .prj of one name; send them together, or in one .zip",
    "missing_layer": "the file has no such layer, or several and the layout names none; name it in the layout",
    "crs_missing": "nothing says what the coordinates refer to; state it in the file (.prj), or as 'crs' in the layout",
    "crs_mismatch": "file and layout disagree on what the coordinates refer to; mend one of the two",
    "wrong_crs": "no geometry lies in the country; the coordinates refer to something else than is stated",
    "shares_of_one": "percentages go from 0 to 100; multiply by 100, or let the layout do so with 'factor: 100'",
    "too_large": "larger than any real filing needs; send the rows alone, in several files or as plain text",
    "geometry_too_large": "a GeoJSON feature of that size needs too much memory; send a GeoPackage, which may hold it",
    "not_a_file": "links, devices and folders are not taken; put the file itself in the inbox",
    "unsafe_archive": "the archive was not unpacked; send the files themselves, or an archive that holds nothing else",
}


@dataclass(eq=False)
class FileRejected(Exception):
    """A file that cannot become rows. Nothing of it is accepted; the landed copy stays.

    Attributes:
        rule: a key of FILE_RULES.
        detail: what was found and where, in words: sheet, row, column, value as far as they apply.
    """

    rule: str
    detail: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.detail}; {FILE_RULES[self.rule]}"
