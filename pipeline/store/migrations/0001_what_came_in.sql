-- What came in, and in which run. No name and no date of birth has a column.

CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    as_of DATE NOT NULL,              -- the date the run was given; no clock is read
    judged_by VARCHAR NOT NULL,       -- hash of what judged the rows: rules, mapping, suite, version
    version VARCHAR NOT NULL,         -- of casereport
    suite VARCHAR NOT NULL            -- the practice's own expectations (JSON), '' without
);

CREATE TABLE file (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES run (id),
    name VARCHAR NOT NULL,            -- as its row ids begin
    folder_case VARCHAR NOT NULL,     -- the case of its folder, '' of a table of many
    sha256 VARCHAR NOT NULL,
    ignored VARCHAR NOT NULL          -- JSON: how many entries are no result, by kind
);

-- A row of a file, as it was read and as it is understood. It is never changed but in what other
-- rows make of it (repetition) and in the run that replaced it. Its id is no primary key: an index
-- of 80 million ids takes more memory than the rows are worth; who writes makes it unique.
CREATE TABLE result (
    id BIGINT NOT NULL,               -- in the order of arrival
    file INTEGER NOT NULL REFERENCES file (id),
    "row" VARCHAR NOT NULL,           -- file:line
    line VARCHAR NOT NULL,
    read_case_id VARCHAR NOT NULL,
    read_sample_id VARCHAR NOT NULL,
    read_collected_at VARCHAR NOT NULL,
    read_analyte VARCHAR NOT NULL,
    read_value VARCHAR NOT NULL,
    read_unit VARCHAR NOT NULL,
    issued VARCHAR NOT NULL,          -- when the laboratory gave this version out
    owner VARCHAR NOT NULL,           -- the case it counts for
    reasons VARCHAR NOT NULL,         -- why it is set aside by itself, between ';'
    repetition VARCHAR NOT NULL CHECK (
        repetition IN ('', 'superseded', 'identical', 'contradictory')
    ),                                -- what other rows of the same result make of it
    version TINYINT NOT NULL CHECK (version BETWEEN 0 AND 2),  -- preliminary, final, corrected
    comparable BOOLEAN NOT NULL,      -- it stands, has a value and a date
    likely_unit VARCHAR NOT NULL,
    column_evidence VARCHAR NOT NULL,
    day DATE,
    case_id VARCHAR,                  -- from here on ACCEPTED_COLUMNS, values in the canonical unit
    sample_id VARCHAR,
    collected_at VARCHAR,
    marker VARCHAR,
    value_as_reported VARCHAR,
    unit_as_reported VARCHAR,
    comparator VARCHAR,
    low DOUBLE,
    high DOUBLE,
    mg_low DOUBLE,
    mg_high DOUBLE,
    factor_known BOOLEAN,
    ref_low DOUBLE,
    ref_high DOUBLE,
    fasting_hours DOUBLE,
    haemolysis VARCHAR,
    lab VARCHAR,
    method VARCHAR,
    status VARCHAR,
    comment VARCHAR,
    specimen VARCHAR,
    notes VARCHAR,
    content UBIGINT NOT NULL,         -- hash of all that is known of it but its place
    replaced INTEGER REFERENCES run (id)  -- its file was judged anew; NULL: it counts
);

-- What is stated of a person, whole, as of the last run that stated it at this place.
CREATE TABLE person (
    case_id VARCHAR NOT NULL CHECK (regexp_full_match(case_id, '[A-Za-z0-9_-]{1,64}')),
    origin VARCHAR NOT NULL CHECK (origin IN ('folder', 'people', 'rows')),
    run INTEGER NOT NULL REFERENCES run (id),
    sex VARCHAR CHECK (sex IN ('F', 'M')),
    birth_year INTEGER CHECK (birth_year BETWEEN 1900 AND 2100),
    context VARCHAR NOT NULL,         -- JSON: what holds at every visit
    told VARCHAR NOT NULL,            -- JSON: what only a case.toml has: consent, timeline, texts
    label VARCHAR,                    -- the practice's own word for a group
    PRIMARY KEY (case_id, origin)
);

CREATE TABLE visit (
    case_id VARCHAR NOT NULL,
    origin VARCHAR NOT NULL,
    date DATE NOT NULL,
    context VARCHAR NOT NULL,         -- JSON: what differs at this visit
    PRIMARY KEY (case_id, origin, date)
);

-- The entries of a run by what became of them; "known" ones were in the store already.
CREATE TABLE tally (
    run INTEGER NOT NULL REFERENCES run (id),
    ending VARCHAR NOT NULL CHECK (ending IN ('accepted', 'set_aside', 'no_result', 'known')),
    entries BIGINT NOT NULL CHECK (entries >= 0),
    PRIMARY KEY (run, ending)
);
