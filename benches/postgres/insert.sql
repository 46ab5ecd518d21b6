-- The least that a durable change can be.
INSERT INTO events (text) VALUES ('visit-:client_id');
