-- JSON: an array of directories that hold the settings of agents, as the session's environment names them.
ALTER TABLE session_agents ADD COLUMN settings TEXT NOT NULL DEFAULT '[]';
