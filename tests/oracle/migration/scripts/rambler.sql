-- rambler up

CREATE TABLE pets (id int primary key, kind text);

-- rambler down

DROP TABLE pets;
