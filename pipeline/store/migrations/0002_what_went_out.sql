-- Reports and reviews that were made from the store, and the places where somebody was.

CREATE TABLE report (
    case_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    language VARCHAR NOT NULL,
    as_of DATE NOT NULL,
    file VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    PRIMARY KEY (file)                -- a report made again takes the place of the one before
);

-- What reviews of a period told of the many, table by table: the next one must not give a few people
-- away by its difference from these.
CREATE TABLE review (
    id INTEGER PRIMARY KEY,
    period VARCHAR NOT NULL,
    as_of DATE NOT NULL,
    tables VARCHAR NOT NULL           -- JSON: by name, see Published.as_record in pipeline/cohort
);

CREATE TABLE tombstone (
    id INTEGER PRIMARY KEY,
    forgotten_on DATE NOT NULL        -- nothing else is known of who it was
);
