"""Middle floor. Reads what people send: lab files, case folders, tables of people, input.json."""

from pipeline.read.case_folder import CASE_FILE, CaseFolder, insulin_factors, read_case_folders
from pipeline.read.case_input import read_case_input, write_case_input
from pipeline.read.lab_file import is_lab_file, no_rows, read_lab_file
from pipeline.read.mapping import LabMapping, read_mapping
from pipeline.read.people import Person, people_of, read_people, stated_table
from pipeline.read.review_input import ReviewInput, read_review

__all__ = [
    "CASE_FILE",
    "CaseFolder",
    "LabMapping",
    "Person",
    "ReviewInput",
    "insulin_factors",
    "is_lab_file",
    "no_rows",
    "people_of",
    "read_case_folders",
    "read_case_input",
    "read_lab_file",
    "read_mapping",
    "read_people",
    "read_review",
    "stated_table",
    "write_case_input",
]
