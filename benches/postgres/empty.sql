-- A round trip to the database and no more.
SELECT;
