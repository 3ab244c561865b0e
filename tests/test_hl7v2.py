import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sizes import sized

from pipeline.errors import LabFileError
from pipeline.read.hl7v2 import decode_hl7v2, is_hl7v2, read_hl7v2
from pipeline.read.pseudonym import pseudonym_of
from pipeline.read.reading import COLUMNS, Reading

MSH = r"MSH|^~\&|LIS|Lab Oost|||20240102120000+0100||ORU^R01|1|P|2.5.1"
PID = "PID|1||123^^^ZIS&1.2.3&ISO||Naam^Test||19800229|F"
OBR = "OBR|1|P1^EHR|F1^LIS|GLU^Panel|||202401020800"
OBX = "OBX|1|NM|20448-7^Insulin^LN||8.5|m[IU]/L^^UCUM|2.6-24.9|N|||F"
KNOWN = {"20448-7", "insulin", "43396-1", "glu"}


def read(*segments: str, end: str = "\r", case_id: str | None = None) -> Reading:
    text = end.join(segments) + end
    return read_hl7v2(
        text, name="a.hl7", known=lambda name: name.casefold() in KNOWN, case_id=case_id
    )


def one(*segments: str) -> dict[str, str]:
    """Read one result, in a message with a patient and an order."""
    reading = read(MSH, PID, OBR, *segments)
    (row,) = reading.rows.to_dict("records")
    assert reading.ignored == {}
    return row


def obx(value: str = "8.5", type_: str = "NM", **fields: str) -> str:
    """Write one OBX; a keyword such as f14 is a field by its number."""
    cells = {1: "1", 2: type_, 3: "20448-7^Insulin^LN", 5: value, 11: "F"}
    cells |= {int(name[1:]): text for name, text in fields.items()}
    return "OBX|" + "|".join(cells.get(number, "") for number in range(1, 24))


def test_a_result_has_all_that_its_message_says_of_it() -> None:
    reading = read(MSH, PID, OBR, OBX)
    assert tuple(reading.rows.columns) == COLUMNS
    row = {column: text for column, text in reading.rows.to_dict("records")[0].items() if text}
    assert row == {
        "line": "4",
        "mark": ".",
        "case_id": pseudonym_of([("ZIS", "123")]),
        "sample_id": "F1",
        "collected_at": "2024-01-02T08:00",
        "analyte": "20448-7",
        "value": "8.5",
        "unit": "m[IU]/L",
        "ref_low": "2.6",
        "ref_high": "24.9",
        "ref_text": "2.6-24.9",
        "flag": "N",
        "status": "F",
        "issued": "2024-01-02T12:00:00+01:00",
        "lab": "Lab Oost",
        "sex": "F",
        "birth_year": "1980",
    }


@pytest.mark.parametrize(
    "begin", ["MSH|^~\\&|", "\ufeffMSH|^~\\&|", "\x0bMSH#@", "FHS|", "BHS|", "\nMSH|"]
)
def test_a_message_or_a_batch_is_known_by_its_first_segment(begin: str) -> None:
    assert is_hl7v2(begin)


@pytest.mark.parametrize(
    "begin", ["", "case_id,value", "MSHA|", "MSH_id,value", "PID|1", "<MSH>", "{"]
)
def test_other_text_is_no_message(begin: str) -> None:
    assert not is_hl7v2(begin)


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_lines_are_counted_by_any_line_end(end: str) -> None:
    reading = read(MSH, PID, OBR, OBX, OBX, end=end)
    assert list(reading.rows["line"]) == ["4", "5"]


def test_each_repetition_of_a_value_is_a_result_of_its_own() -> None:
    rows = read(MSH, PID, OBR, obx("8.5~9.1~")).rows
    assert list(zip(rows["line"], rows["value"], strict=True)) == [
        ("4", "8.5"),
        ("4.2", "9.1"),
        ("4.3", ""),
    ]


@pytest.mark.parametrize(
    ("type_", "written", "value"),
    [
        ("NM", "<0.3", "<0.3"),
        ("NM", "  7,2 ", "7,2"),
        ("NM", "hemolytisch", "hemolytisch"),
        ("NM", "5^6", "5^6"),
        ("NM", '""', ""),
        ("NM", "", ""),
        ("nm", "7.2", "7.2"),
        ("SN", "^182", "182"),
        ("SN", ">^100", ">100"),
        ("SN", "<=^5.0", "<=5.0"),
        ("SN", "=^5", "5"),
        ("SN", "^1^:^128", "1:128"),
        ("SN", "^3^-^5", "3-5"),
        ("SN", "^2^+", "2+"),
        ("SN", "7.2", "7.2"),
        ("SN", "5^2", "5^2"),  # never 52
        ("SN", "^3^^5", "^3^^5"),
        ("SN", "^5^2", "^5^2"),
        ("SN", "^^-^5", "^^-^5"),
        ("SN", "^1^.^5", "^1^.^5"),
        ("SN", '""', ""),
        ("ST", "zie opm.", "zie opm."),
        ("ST", "negatief", "negatief"),
        ("", "7.2", "7.2"),
        ("QQ", "7.2^x", "7.2^x"),
        ("TX", "7.2", "7.2"),
        ("FT", "< 7,2", "< 7,2"),
        ("CE", "NEG^Negative^L", "Negative"),
        ("CWE", "260385009^Negative (qualifier value)^SCT", "Negative (qualifier value)"),
        ("CWE", "260385009^^SCT^P^POSITIVE^L", "POSITIVE"),
        ("CWE", "^^^^^^^^not  detected", "not  detected"),
        ("CNE", "12.5", "12.5"),
    ],
)
def test_a_value_is_what_was_written_and_no_number_becomes_another(type_, written, value) -> None:
    assert one(obx(written, type_))["value"] == value


@pytest.mark.parametrize(
    ("segment", "kind"),
    [
        (obx("Zie brief", "TX"), "text"),
        (obx("", "FT"), "text"),
        (obx("M415", "CE"), "coded"),
        (obx("260385009^^SCT", "CWE"), "coded"),  # a code of a system is no number
        (obx("^application^pdf^Base64^JVBERi0x", "ED"), "document"),
        (obx("20240101", "DT"), "administrative"),
        (obx("Jansen^A", "XPN"), "administrative"),
        (obx("", f11="I"), "pending"),
        (obx("", "SN", f11="O"), "pending"),
        (obx('""', "ST", f11="N"), "pending"),
        (obx("later", "TX", f11="I"), "pending"),
        (obx("", f3=""), "heading"),
        (obx("HAEMATOLOGIE", "FT", f3=""), "heading"),
    ],
)
def test_what_is_no_result_is_counted_by_its_kind(segment: str, kind: str) -> None:
    reading = read(MSH, PID, OBR, segment)
    assert (len(reading.rows), reading.ignored) == (0, {kind: 1})


@pytest.mark.parametrize("type_", ["NM", "SN", "ST", ""])
@pytest.mark.parametrize("fields", [{"f3": ""}, {"f11": "I"}, {"f11": ""}, {"f3": "X^Y^99Z"}])
def test_a_numeric_result_is_never_passed_over(type_: str, fields: dict[str, str]) -> None:
    assert one(obx("^7.2" if type_ == "SN" else "7.2", type_, **fields))["value"] == "7.2"


@pytest.mark.parametrize("kind", ["ORM^O01", "ADT^A01", "OML^O21"])
def test_an_observation_in_another_kind_of_message_is_no_result(kind: str) -> None:
    reading = read(MSH.replace("ORU^R01", kind), PID, OBR, obx("1~2"))
    assert (len(reading.rows), reading.ignored) == (0, {"not-a-laboratory-message": 2})


@pytest.mark.parametrize("kind", ["ORU", "ORU^R01^ORU_R01", "ORF^R04", "OUL^R22", ""])
def test_messages_of_laboratories_have_results(kind: str) -> None:
    assert len(read(MSH.replace("ORU^R01", kind), PID, OBR, OBX).rows) == 1


def test_a_message_without_results_is_fine() -> None:
    reading = read(MSH, PID, "ZZ1|a|b", OBR)
    assert (len(reading.rows), reading.ignored) == (0, {})


@pytest.mark.parametrize("status", ["P", "F", "C", "X", "D", "W", "I", "R", "S"])
def test_a_status_is_passed_as_it_is(status: str) -> None:
    assert one(obx(f11=status))["status"] == status


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (r"a\F\b\S\c\T\d\R\e\E\f", r"a|b^c&d~e\f"),
        (r"\E\F\E\ ", "\\F\\"),  # what a decoded escape spells is no escape
        (r"\E\T\E\ ", "\\T\\"),
        (r"\X41\ \X4142\ \XC3A9\ \XE9\ ", "A AB é é"),
        (r"\X4\ \XZZ\ \X00\ ", r"\X4\ \XZZ\ \X00" + "\\"),
        (r"a\.br\b", "a\nb"),
        (r"\H\vet\N\ ", r"\H\vet\N" + "\\"),
        (r"\H\F\N\ ", r"\H\F\N" + "\\"),  # the F between two escapes is text
        (r"\Zxx\ ", r"\Zxx" + "\\"),
        (r"5\6 \F\ ", r"5\6 |"),  # one backslash alone is a character
        ("\\", "\\"),
    ],
)
def test_escapes_are_decoded_exactly_once_and_unknown_ones_stay(written: str, value: str) -> None:
    assert one(obx(written, "ST"))["value"] == value


def test_a_message_may_name_other_separators() -> None:
    default = r"|^~\&"
    other = str.maketrans(default, "#@*!%")
    lines = [MSH, PID, OBR, obx(r"<\S\3~4", "ST")]
    rows = read(*(line.translate(other) for line in lines)).rows
    assert list(rows["value"]) == ["<@3", "4"]
    assert rows.at[0, "case_id"] == pseudonym_of([("ZIS", "123")])
    assert rows.at[0, "unit"] == ""


@pytest.mark.parametrize("named", ["^~&", "^", "^~", r"^~\&#", r"^~\ "[:3], r"^~\$"])
def test_separators_may_be_fewer_or_more(named: str) -> None:
    row = read(MSH.replace("^~\\&", named), PID, OBR, OBX).rows.iloc[0]
    assert (row["value"], row["unit"], row["analyte"]) == ("8.5", "m[IU]/L", "20448-7")


def test_a_lost_backslash_leaves_the_ampersand_what_it_was() -> None:
    row = read(MSH.replace("^~\\&", "^~&"), PID, OBR, OBX).rows.iloc[0]
    assert row["case_id"] == pseudonym_of([("ZIS", "123")])


@pytest.mark.parametrize(
    "header",
    [
        "MSH",
        "MSH|",
        "MSH||x",
        "MSH|^^~",
        "MSH|^~5&",
        "MSH|.~\\&",
        "MSH|^~\\&#!|",
    ],
)
def test_separators_that_cannot_be_told_apart_are_refused(header: str) -> None:
    with pytest.raises(LabFileError, match=r"separators .*in 'a\.hl7', line 1\."):
        read(header, PID, OBX)


@pytest.mark.parametrize("segment", [PID, OBR, OBX])
def test_a_segment_that_is_divided_otherwise_than_its_header_says_is_refused(segment: str) -> None:
    with pytest.raises(LabFileError, match=r"separator of its MSH in 'a\.hl7', line 3\."):
        read(MSH, PID, segment.replace("|", "#"))


@pytest.mark.parametrize("content", ["", "\r\n", "\x0b\x1c\r", "\ufeff"])
def test_an_empty_file_is_refused(content: str) -> None:
    with pytest.raises(LabFileError, match=r"'a\.hl7': the file is empty"):
        read(content)


@pytest.mark.parametrize(
    "segments",
    [(PID, OBX), ("geheim", MSH, OBX), (r"BHS|^~\&", OBX), (MSH, OBX, "BTS|1", OBX)],
)
def test_a_result_outside_any_message_is_refused_without_its_content(segments) -> None:
    with pytest.raises(LabFileError, match=r"MSH.* in 'a\.hl7'") as refused:
        read(*segments)
    assert not re.search("geheim|Insulin|8.5|Naam", str(refused.value))


def test_frames_of_mllp_hold_messages() -> None:
    frame = "\x0b" + "\r".join([MSH, PID, OBR, OBX]) + "\r\x1c\r"
    rows = read_hl7v2(frame + frame, name="a.hl7", known=KNOWN.__contains__).rows
    assert list(rows["line"]) == ["4", "9"]
    assert list(rows["value"]) == ["8.5", "8.5"]


def test_a_batch_holds_messages_each_with_its_own_separators_and_patient() -> None:
    other = [line.translate(str.maketrans("|^", "#@")) for line in (MSH, PID, OBR, OBX)]
    head, tail = [r"FHS|^~\&|x", r"BHS|^~\&|x"], ["BTS|2", "FTS|1"]
    other[1] = other[1].replace("123@", "456@")
    rows = read(*head, MSH, PID, OBR, OBX, *other, *tail).rows
    assert list(rows["case_id"]) == [pseudonym_of([("ZIS", number)]) for number in ("123", "456")]
    assert list(rows["line"]) == ["6", "10"]


def test_a_message_without_a_patient_has_none_of_another_message() -> None:
    rows = read(MSH, PID, OBR, OBX, MSH, OBR, OBX).rows
    assert list(rows[["case_id", "sex", "birth_year"]].iloc[1]) == ["", "", ""]


def test_a_patient_and_an_order_count_until_the_next() -> None:
    second = PID.replace("123", "456").replace("|F", "|M")
    order = OBR.replace("F1", "F2").replace("0800", "0900")
    rows = read(MSH, PID, OBR, OBX, order, OBX, second, OBX, order, OBX).rows
    assert list(rows["sample_id"]) == ["F1", "F2", "", "F2"]
    assert list(rows["sex"]) == ["F", "F", "M", "M"]
    assert [text[-5:] for text in rows["collected_at"]] == ["08:00", "09:00", "", "09:00"]


@pytest.mark.parametrize(
    ("pid", "identifiers"),
    [
        ("PID|1|9|123^^^ZIS~456^^^B|7", [("ZIS", "123")]),
        ("PID|1||^^^B~456^^^casereport", [("casereport", "456")]),
        ("PID|1|9^^^OUD||7", [("OUD", "9")]),
        ('PID|1||""|7', [("", "7")]),
        ("PID|1||", []),
    ],
)
def test_a_case_is_named_by_the_patients_identifiers(pid: str, identifiers) -> None:
    row = read(MSH, pid, OBR, OBX).rows.iloc[0]
    assert row["case_id"] == pseudonym_of(identifiers)


def test_a_given_case_id_is_that_of_all_rows() -> None:
    assert list(read(MSH, PID, OBR, OBX, OBX, case_id="x").rows["case_id"]) == ["x", "x"]


@pytest.mark.parametrize(
    ("sex", "read_as"), [("F", "F"), ("m", "M"), ("U", ""), ("", ""), ("F^Female", "F")]
)
def test_sex_is_f_or_m_or_not_said(sex: str, read_as: str) -> None:
    assert read(MSH, PID[:-1] + sex, OBX).rows.at[0, "sex"] == read_as


SPM = "SPM|1|P7&EHR^F7&LIS||SER^Serum^HL70487|||||||||||||20240102073015+0100^202401020800"


@pytest.mark.parametrize("segments", [(OBR, SPM, OBX), (OBR, OBX, SPM), (SPM, OBR, OBX)])
def test_a_specimen_counts_for_its_order_before_and_behind_the_results(segments) -> None:
    row = read(MSH, PID, *segments).rows.iloc[0]
    assert row["sample_id"] == "P7^F7"
    assert row["specimen"] == "Serum"
    assert row["collected_at"] == "2024-01-02T07:30:15+01:00"


def test_a_specimen_counts_for_no_other_order() -> None:
    rows = read(MSH, PID, OBR, OBX, SPM, OBR, OBX).rows
    assert list(rows["sample_id"]) == ["P7^F7", "F1"]


def test_where_specimens_come_first_each_has_its_own_orders() -> None:
    other = SPM.replace("F7", "F8").replace("Serum", "Plasma")
    rows = read(MSH, PID, SPM, OBR, OBX, OBR, OBX, other, OBR, OBX).rows
    assert list(rows["sample_id"]) == ["P7^F7", "P7^F7", "P7^F8"]
    assert list(rows["specimen"]) == ["Serum", "Serum", "Plasma"]


def test_of_several_specimens_of_one_order_only_what_all_say_counts() -> None:
    other = SPM.replace("F7", "F8").replace("0730", "0930")
    row = read(MSH, PID, OBR, OBX, SPM, other).rows.iloc[0]
    assert (row["sample_id"], row["specimen"]) == ("F1", "Serum")
    assert row["collected_at"] == "2024-01-02T08:00"


def test_without_a_specimen_the_order_says_what_was_taken() -> None:
    source = "OBR|1|P1^EHR||GLU" + "|" * 11 + "B&Bloed&L^add"
    row = read(MSH, PID, source, OBX).rows.iloc[0]
    assert (row["sample_id"], row["specimen"], row["collected_at"]) == ("P1", "Bloed", "")


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("202408160605-1000", "2024-08-16T06:05-10:00"),
        ("20240816060501+0200", "2024-08-16T06:05:01+02:00"),
        ("20240816060501.12", "2024-08-16T06:05:01.12"),
        ("20240816", "2024-08-16"),
        ("2024081606", "2024-08-16"),  # no minute is made up
        ("2024", "2024"),
        ("202408", "202408"),
        ("20241301", "20241301"),
        ("20230229", "20230229"),
        ("2008081830-0700", "2008081830-0700"),
        (" 20240816", "2024-08-16"),
        ("20240816^D", "2024-08-16"),
        ("gisteren", "gisteren"),
        ('""', "2024-01-02T08:00"),
    ],
)
def test_a_moment_is_iso_8601_or_as_written(written: str, moment: str) -> None:
    assert one(obx(f14=written))["collected_at"] == moment


def test_the_moment_of_issue_is_the_orders_or_the_messages() -> None:
    order = OBR + "|" * 15 + "202401021100"
    assert one(OBX)["issued"] == "2024-01-02T12:00:00+01:00"
    assert read(MSH, PID, order, OBX).rows.at[0, "issued"] == "2024-01-02T11:00"
    analysed = obx(f19="202401021030")  # no moment of issue: a correction may share it
    assert one(analysed)["issued"] == "2024-01-02T12:00:00+01:00"


@pytest.mark.parametrize(
    ("written", "analyte"),
    [
        ("20448-7^Insuline^LN", "20448-7"),
        ("INS^Insuline^L^20448-7^Insulin^LN", "20448-7"),
        ("99999-9^Insulin^LN", "99999-9"),  # its name stands for no other code
        ("1894^Non-HDL Cholesterol, calc^43396-1^1894", "43396-1"),
        ("20448-7^Iets", "20448-7"),
        ("20448-6^Iets", "Iets"),  # the check digit is wrong
        ("33-1^Iets^L", "Iets"),
        ("GLU^Glucose^L", "GLU"),
        ("X1^Onbekend^L^Y1^Ander", "Onbekend"),
        ("X1", "X1"),
        ("12345-5^Onbekend^LN", "12345-5"),
    ],
)
def test_an_analyte_is_the_first_name_that_the_rules_know(written: str, analyte: str) -> None:
    assert one(obx(f3=written))["analyte"] == analyte


@pytest.mark.parametrize(
    ("written", "unit"),
    [
        ("mmol/L", "mmol/L"),
        ("CD:289^mg/dL", "mg/dL"),
        ("^mg/dL", "mg/dL"),
        ("U289^mg/dL^L", "mg/dL"),
        ("ug/dL^microgram per deciliter^UCUM", "ug/dL"),
        ("mE/L^milli-eenheid^L^m[IU]/L^^UCUM", "m[IU]/L"),
        ("mg/dL^milligram per deciliter", "mg/dL"),
        ("10^9/L", "10^9/L"),
        (r"10\S\9/L", "10^9/L"),
        ("x10^9/L", "x10^9/L"),
        ('""', ""),
        ("CD:289", "CD:289"),
        ("mg&dL", "mg&dL"),
    ],
)
def test_a_unit_is_ucums_or_else_the_laboratorys_name(written: str, unit: str) -> None:
    assert one(obx(f6=written))["unit"] == unit


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("3,9 - 5,6", ("3,9 - 5,6", "3,9", "5,6")),
        ("<130 optimal", ("<130 optimal", "", "130")),
        (">40^>40", (">40", "40", "")),
        ("35-150^35^150", ("35-150", "35", "150")),
        ("normaal^35^150", ("normaal", "35", "150")),
        ("^^10.000000", ("", "", "10.000000")),
        ("70^105", ("70^105", "70", "105")),
        ("70_105", ("70_105", "70", "105")),
        ("<130^130", ("<130", "", "130")),
        ("neg", ("neg", "", "")),
        ('""', ("", "", "")),
    ],
)
def test_a_reference_interval_is_its_text_and_its_limits(written: str, expected) -> None:
    row = one(obx(f7=written))
    assert (row["ref_text"], row["ref_low"], row["ref_high"]) == expected


def test_flags_method_and_laboratory_are_those_of_the_result() -> None:
    row = one(obx(f8='H~""~A^Abnormal', f17="CLIA^Immunoassay^L~B", f23="Lab West^L"))
    assert (row["flag"], row["method"], row["lab"]) == ("H A", "Immunoassay B", "Lab West")


def test_a_comment_is_the_notes_that_follow_a_result_and_no_others() -> None:
    notes = ["NTE|1|L|niet nuchter", "ZXX|1", "NTE|2|L|\\T\\ hemolytisch~licht", "NTE|3|L"]
    rows = read(
        MSH, PID, "NTE|1||patient", OBR, "NTE|1||order", OBX, *notes, OBX, "ORC|RE", "NTE|1||x"
    ).rows
    assert list(rows["comment"]) == ["niet nuchter & hemolytisch licht", ""]


def test_a_line_end_inside_a_field_divides_no_segment() -> None:
    row = one("OBX|1|NM|20448-7^Insulin\nnuchter^LN||8.5|m[IU]/L", "||||", "", " ")
    assert (row["value"], row["unit"], row["line"]) == ("8.5", "m[IU]/L", "4")
    assert one("OBX|1|NM|20448-7||8.\n5|m[IU]/L")["value"] == "8.\n5"  # and makes no number


@pytest.mark.parametrize("end", ["\r", "\n"])
def test_fields_without_the_name_of_their_segment_are_refused(end: str) -> None:
    for begin in ("OBX|1|NM|20448-7^Insulin^LN", OBX):
        with pytest.raises(LabFileError, match=r"name of a segment in .*, line 5"):
            read(MSH, PID, OBR, f"{begin}{end}||8.5|m[IU]/L")


@pytest.mark.parametrize(
    ("named", "encoding"),
    [
        ("", "utf-8"),
        ("", "utf-8-sig"),
        ("", "cp1252"),
        ("UNICODE UTF-8", "utf-8"),
        ("UNICODE UTF-8", "cp1252"),  # the bytes are not what it says
        ("8859/1", "latin-1"),
        ("8859/15", "iso8859-15"),
        ("8859/15~UNICODE", "iso8859-15"),
        ("ASCII", "utf-8"),
        ("KLINGON", "utf-8"),
    ],
)
def test_the_character_set_is_the_one_the_message_names(named: str, encoding: str) -> None:
    text = "\r".join([MSH + "|" * 6 + named, PID, OBR, obx("µ é", "ST")])
    assert decode_hl7v2(text.encode(encoding)) == text


def test_what_a_character_set_says_goes_before_what_bytes_look_like() -> None:
    text = MSH + "|" * 6 + "8859/15\r€ µ"
    assert decode_hl7v2(text.encode("iso8859-15")) == text
    assert decode_hl7v2(b"MSH|^~\\&\r\x81\xe9").endswith("\x81é")


COUNTS = {
    "amida_lipid_panel.hl7": (5, {}),
    "amida_sample3.hl7": (5, {}),
    "amida_sample5_labcorp_culture.hl7": (1, {"coded": 2}),
    "hapi_bloodgas_13obx.hl7": (12, {"text": 1}),
    "lfh_nist_obs_spm.hl7": (2, {}),
    "lfh_nonhdl_chol_open_range.hl7": (1, {}),
    "msft_LAB-ORU-1.hl7": (8, {"pending": 2}),
    "msft_LAB-ORU-2.hl7": (10, {}),
    "msft_ORU-R01-RMGEAD.hl7": (1, {}),
    "nhapi_cbc_status_Z.hl7": (10, {"text": 10}),
    "nhapi_olis_cholesterol_escapes.hl7": (1, {"text": 1}),
    "nhapi_orf_r04_hba1c.hl7": (1, {}),
    "rubyhl7_ORU_R01_2.5.1_SampleTestCase1.hl7": (1, {}),
    "rubyhl7_cerner_lead.hl7": (1, {}),
    "rubyhl7_empty.hl7": None,  # refused
    "rubyhl7_empty_segments.hl7": (0, {"text": 2}),
    "rubyhl7_lotsunknowns.hl7": (0, {}),  # an order, without results
    "rubyhl7_obxobr.hl7": (0, {"text": 9}),
    "rubyhl7_realm-batch.hl7": (2, {"coded": 1}),
}


def read_file(path: Path) -> Reading:
    text = decode_hl7v2(path.read_bytes())
    return read_hl7v2(text, name=path.name, known=lambda name: name.casefold() in KNOWN)


@pytest.mark.parametrize("name", COUNTS)
def test_every_entry_of_a_real_message_is_a_result_or_counted(shared: Path, name: str) -> None:
    path = shared / "data" / "hl7v2_oru" / name
    if not path.is_file():
        pytest.skip(f"'{path}' is absent.")
    if COUNTS[name] is None:
        with pytest.raises(LabFileError):
            read_file(path)
        return
    reading = read_file(path)
    assert (len(reading.rows), reading.ignored) == COUNTS[name]
    assert len(reading.rows) + sum(reading.ignored.values()) == entries(
        decode_hl7v2(path.read_bytes())
    )


def test_no_real_message_is_left_out_of_the_counts(shared: Path) -> None:
    folder = shared / "data" / "hl7v2_oru"
    if not folder.is_dir():
        pytest.skip(f"'{folder}' is absent.")
    assert {path.name for path in folder.glob("*.hl7")} == COUNTS.keys()


def test_real_messages_are_read_as_their_laboratories_wrote_them(shared: Path) -> None:
    folder = shared / "data" / "hl7v2_oru"
    if not folder.is_dir():
        pytest.skip(f"'{folder}' is absent.")
    told = {}
    for name in ("lfh_nonhdl_chol_open_range", "msft_ORU-R01-RMGEAD", "nhapi_orf_r04_hba1c"):
        (row,) = read_file(folder / f"{name}.hl7").rows.to_dict("records")
        told[name] = tuple(row[column] for column in ("analyte", "value", "unit", "collected_at"))
    assert told == {
        "lfh_nonhdl_chol_open_range": ("43396-1", "180", "mg/dL", "2024-08-16T06:05-10:00"),
        "msft_ORU-R01-RMGEAD": ("1554-5", "182", "mg/dl", "2002-02-15T07:30:00+06:00"),
        "nhapi_orf_r04_hba1c": ("HEMOGLOBIN A1C", "12", "% TOTAL HGB", "2004-05-10T09:40:00"),
    }


def test_hostile_files_are_read_or_refused(shared: Path) -> None:
    folder = shared / "attack" / "hl7"
    if not folder.is_dir():
        pytest.skip(f"'{folder}' is absent.")
    paths = sorted(folder.iterdir())
    for path in paths:
        text = decode_hl7v2(path.read_bytes())
        if is_hl7v2(text):
            assert read_file(path).rows["line"].is_unique
        else:
            with pytest.raises(LabFileError, match=re.escape(path.name)):
                read_file(path)
    assert len(paths) > 15


SEEDS = (
    [MSH, PID, OBR, OBX, "NTE|1|L|a\\F\\b", obx("", f11="I"), SPM],
    [MSH.replace("|", "#"), PID.replace("|", "#"), OBR.replace("|", "#"), OBX.replace("|", "#")],
    [r"BHS|^~\&", MSH, PID, OBR, obx("1~2~3"), MSH, PID, SPM, OBR, obx(">^5", "SN"), "BTS|2"],
    [MSH, PID, OBR, obx("NEG^Negative^L", "CE"), obx("a~b", "TX"), obx(r"\X41\ ", "ST"), OBR, OBX],
    [
        "\x0b" + MSH,
        PID,
        OBR,
        obx("5", f7="1^2^3", f8='H~""'),
        obx("x", "ED"),
        obx("7", f3=""),
        "\x1c",
    ],
)
PIECES = st.sampled_from(
    [*'|^~\\&#\r\n\x0b\x1c"0.<-', "OBX", "MSH", "\\F\\", "\\X", "é", "\0", "\u2028"]
)
EDITS = st.lists(
    st.tuples(st.sampled_from(["insert", "delete", "repeat"]), st.integers(0, 999), PIECES),
    max_size=6,
)


def mutated(text: str, edits: list[tuple[str, int, str]]) -> str:
    for kind, place, piece in edits:
        at = place * len(text) // 1000
        if kind == "insert":
            text = text[:at] + piece + text[at:]
        elif kind == "delete":
            text = text[:at] + text[at + len(piece) * 3 :]
        else:
            text = text[:at] + text[at // 2 :]
    return text


def entries(text: str) -> int:
    """Count the repetitions of OBX-5, in another way than the reader does."""
    segments: list[str] = []
    separator, repetitions = "|", []
    for line in re.sub(r"\r\n?", "\n", text).split("\n"):
        line = line.strip(" \t\x0b\x1c\ufeff")
        header = re.match(r"(MSH|FHS|BHS)(?![A-Za-z0-9_ ])(.?)(.*)", line, re.DOTALL)
        if header:
            separator = header[2]
            named = header[3].split(separator)[0] if separator else ""
            repetitions.append(named[1:2])
        if header or re.match(f"[A-Za-z][A-Za-z0-9]{{2}}({re.escape(separator)}|$)", line):
            segments.append(line)
        elif line and not line.startswith(separator):
            segments[-1] += "\n" + line
    total, mark, headers = 0, "", iter(repetitions)
    for segment in segments:
        if re.match(r"(MSH|FHS|BHS)(?![A-Za-z0-9_ ])", segment):
            mark, separator = next(headers), segment[3]
        elif segment[:3].upper() == "OBX":
            cells = segment.split(separator)
            total += 1 + (cells[5].count(mark) if mark and len(cells) > 5 else 0)
    return total


@pytest.mark.fuzz
@settings(max_examples=sized(200, full=10_000))
@given(seed=st.sampled_from(SEEDS), edits=EDITS, end=st.sampled_from(["\r", "\n", "\r\n"]))
def test_a_spoilt_message_is_refused_or_every_entry_of_it_ends_in_one_place(
    seed, edits, end
) -> None:
    text = mutated(end.join(seed), edits)
    try:
        reading = read_hl7v2(text, name="a.hl7", known=KNOWN.__contains__)
    except LabFileError:
        return
    assert len(reading.rows) + sum(reading.ignored.values()) == entries(text)


@pytest.mark.parametrize(
    "segments",
    [
        [MSH, PID, OBR, *[OBX] * 2000],
        [MSH, PID, OBR, obx("~".join(["1"] * 2000), f3="^".join("x" * 9999), f7="1^" * 9999)],
        [MSH, PID + "~1" * 9999, *[OBR, OBX] * 500],
        [MSH, PID, OBR, *[OBX] * 1000, *[SPM] * 1000],
        [MSH, PID, OBR, OBX, *["NTE|1||x"] * 5000, *["y"] * 5000],
        [MSH, PID, OBR, obx("\\Z" * 99_999 + "\\X" + "4" * 99_999, "ST")],
        [MSH + "\n" * 99_999],
    ],
    ids=["results", "repetitions", "orders", "specimens", "notes", "escapes", "blank"],
)
def test_a_long_file_takes_time_as_its_length(segments: list[str]) -> None:
    began = time.process_time()
    read(*segments)
    assert time.process_time() - began < 5
