-- What a legacy script for another locale does.
SET DateStyle = 'German, DMY';
SET TimeZone = 'America/New_York';
SET IntervalStyle = 'sql_standard';
CREATE TABLE visits (
    day date DEFAULT '24.12.2024',
    at timestamptz DEFAULT '01.07.2024 12:00',
    took interval DEFAULT '-1 2:00:00'
);
INSERT INTO visits VALUES ('03.04.2024', '03.04.2024 08:30', '-1 2:03:04');
COPY visits FROM stdin;
31.01.2024	31.01.2024 23:00:00	1-2
\.
RESET DateStyle;
INSERT INTO visits (day) VALUES ('03/04/2024');
SET TIME ZONE 'UTC';
INSERT INTO visits (at) VALUES ('2024-01-01 00:00');
