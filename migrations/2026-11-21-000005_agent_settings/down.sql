ALTER TABLE session_agents DROP COLUMN settings;
