use super::Agent;
use crate::agents::Answer;

#[test]
fn a_refusal_refuses_whatever_the_event_is_said_to_be() {
    let deny = Answer::Deny { reason: "unreadable".to_owned() };
    for agent in [Agent::Claude, Agent::Codex, Agent::Generic] {
        for event in ["", "?", "SessionStart", "PreToolUse"] {
            let answer = agent.answer(event, None, &deny);
            assert_eq!(answer.exit_code, 2, "{agent:?} {event}");
            assert!(answer.stdout.contains("deny"), "{agent:?} {event}: {answer:?}");
        }
    }
}
