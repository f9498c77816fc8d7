//! Tool calls that are made to talk to the user.

/// What a tool call wants of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Interaction {
    /// Leave to be made.
    Call,
    /// Answers.
    Question(Vec<Question>),
    /// Consent to a plan.
    Plan {
        /// The plan, Markdown.
        text: String,
    },
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// The question itself; answers are given by it.
    pub(crate) text: String,
    /// A word or two that name it.
    pub(crate) header: String,
    /// What may be chosen; any other text may be answered too.
    pub(crate) options: Vec<Choice>,
    /// Whether several may be chosen.
    pub(crate) multi_select: bool,
}

/// One answer that is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// What is answered.
    pub(crate) label: String,
    /// What that means.
    pub(crate) description: String,
}
