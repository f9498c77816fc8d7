DELETE FROM events WHERE type_name IN (
    'hook.reported', 'decision.made', 'approval.requested', 'approval.resolved', 'grant.created',
    'grant.revoked', 'gate.changed', 'activity.changed', 'violation', 'hooks.edited'
);
DROP TABLE session_agents;
DROP TABLE grants;
DROP TABLE approvals;
DROP TABLE decisions;
DROP TABLE hook_reports;
