ALTER TABLE sessions DROP COLUMN asks;
ALTER TABLE sessions DROP COLUMN allow;
ALTER TABLE sessions DROP COLUMN directory;
ALTER TABLE sessions DROP COLUMN workspace;
DROP TABLE policy_bindings;
DROP TABLE policy_revisions;
DROP TABLE policies;
DROP TABLE policy_state;
