-- The usual way to lend and free: a transaction for each.
UPDATE pool SET holder = 'visit-:client_id', until = clock_timestamp() + interval '15 minutes'
    WHERE number = (SELECT number FROM pool WHERE holder IS NULL ORDER BY freed, number LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING number \gset
UPDATE pool SET holder = NULL, until = NULL, freed = clock_timestamp() WHERE number = :number;
