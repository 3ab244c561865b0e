-- Reports that were made from the store, and the places where somebody was.

CREATE TABLE report (
    case_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    language VARCHAR NOT NULL,
    as_of DATE NOT NULL,
    file VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    PRIMARY KEY (file)                -- a report made again takes the place of the one before
);

CREATE TABLE tombstone (
    id INTEGER PRIMARY KEY,
    forgotten_on DATE NOT NULL        -- nothing else is known of who it was
);
