DROP TABLE requests;
DROP TABLE events;
DROP TABLE sessions;
DROP TABLE host;
