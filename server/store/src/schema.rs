//! The tables as diesel sees them; a test compares them with a migrated database.

diesel::table! {
    host (singleton) {
        singleton -> BigInt,
        id -> Text,
        pruned_through -> BigInt,
    }
}

diesel::table! {
    sessions (id) {
        id -> Text,
        host -> Text,
        name -> Nullable<Text>,
        labels -> Text,
        command -> Text,
        cwd -> Text,
        size_cols -> BigInt,
        size_rows -> BigInt,
        provider -> Text,
        source -> Text,
        parent -> Nullable<Text>,
        keep -> Bool,
        created_at -> BigInt,
        incarnation -> BigInt,
        state -> Text,
        restart_at -> Nullable<BigInt>,
        exit_code -> Nullable<Integer>,
        exit_signal -> Nullable<Integer>,
        failed_step -> Nullable<Text>,
        end_message -> Nullable<Text>,
        started_at -> Nullable<BigInt>,
        ended_at -> Nullable<BigInt>,
        version -> BigInt,
        workspace -> Text,
        directory -> Text,
        allow -> Text,
        asks -> Text,
    }
}

diesel::table! {
    events (revision) {
        revision -> BigInt,
        host -> Text,
        time -> BigInt,
        session -> Nullable<Text>,
        type_name -> Text,
        payload -> Text,
        ended_incarnation -> Nullable<BigInt>,
    }
}

diesel::table! {
    audit_records (seq) {
        seq -> BigInt,
        time -> BigInt,
        kind -> Text,
        session -> Nullable<Text>,
        principal -> Text,
        record -> Binary,
        hash -> Binary,
    }
}

diesel::table! {
    audit_checkpoints (seq) {
        seq -> BigInt,
        hash -> Binary,
        time -> BigInt,
        boot -> Text,
        key -> Binary,
        signature -> Binary,
    }
}

diesel::table! {
    requests (id) {
        id -> Text,
        method -> Text,
        hash -> Binary,
        answer -> Binary,
        recorded_at -> BigInt,
    }
}

diesel::table! {
    hook_reports (id) {
        id -> Text,
        session -> Text,
        incarnation -> BigInt,
        provider -> Text,
        name -> Text,
        body -> Binary,
        body_bytes -> BigInt,
        body_hash -> Binary,
        reported_at -> BigInt,
        decision -> Nullable<Text>,
    }
}

diesel::table! {
    decisions (id) {
        id -> Text,
        session -> Text,
        incarnation -> BigInt,
        report -> Text,
        provider -> Text,
        tool -> Text,
        input -> Text,
        tool_use_id -> Nullable<Text>,
        cwd -> Nullable<Text>,
        subagent -> Nullable<Text>,
        digest -> Binary,
        verdict -> Text,
        policies -> Text,
        facts -> Text,
        asked_at -> BigInt,
        outcome -> Nullable<Text>,
        source -> Nullable<Text>,
        source_subject -> Nullable<Text>,
        decided_by -> Nullable<Text>,
        reason -> Nullable<Text>,
        updated_input -> Nullable<Text>,
        decided_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    approvals (id) {
        id -> Text,
        decision -> Text,
        session -> Text,
        incarnation -> BigInt,
        kind -> Text,
        digest -> Binary,
        subject -> Text,
        owner -> Text,
        four_eyes -> Bool,
        not_grantable -> Nullable<Text>,
        patterns -> Text,
        mode -> Text,
        asked_at -> BigInt,
        expires_at -> BigInt,
        state -> Text,
        resolved_by -> Nullable<Text>,
        resolved_at -> Nullable<BigInt>,
        message -> Nullable<Text>,
        updated_input -> Nullable<Text>,
        grants -> Nullable<Text>,
        delivered_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    grants (id) {
        id -> Text,
        scope -> Text,
        scope_value -> Text,
        tool -> Text,
        digest -> Nullable<Binary>,
        pattern -> Nullable<Text>,
        subject -> Text,
        created_by -> Text,
        created_at -> BigInt,
        approval -> Text,
        expires_at -> Nullable<BigInt>,
        revoked_by -> Nullable<Text>,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    session_agents (session) {
        session -> Text,
        owner -> Text,
        home -> Text,
        workspace -> Text,
        gate_mode -> Text,
        gate -> Text,
        gate_reason -> Text,
        token_hash -> Nullable<Binary>,
        token_incarnation -> Nullable<BigInt>,
        conversation -> Nullable<Text>,
        transcript -> Nullable<Text>,
        activity -> Text,
        activity_source -> Nullable<Text>,
        activity_since -> Nullable<BigInt>,
        version -> BigInt,
        settings -> Text,
    }
}

diesel::table! {
    violations (session, call) {
        session -> Text,
        call -> Text,
        tool -> Text,
        problem -> Text,
        judged -> BigInt,
        found_at -> BigInt,
    }
}

diesel::table! {
    followed_files (session, kind, path) {
        session -> Text,
        kind -> Text,
        path -> Text,
        position -> BigInt,
    }
}

diesel::joinable!(approvals -> decisions (decision));
diesel::allow_tables_to_appear_in_same_query!(approvals, decisions);

diesel::table! {
    policy_state (singleton) {
        singleton -> BigInt,
        generation -> BigInt,
    }
}

diesel::table! {
    policies (name) {
        name -> Text,
        revision -> BigInt,
        created_at -> BigInt,
        deleted_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    policy_revisions (name, revision) {
        name -> Text,
        revision -> BigInt,
        document -> Text,
        source -> Text,
        format -> Text,
        hash -> Binary,
        principal -> Text,
        created_at -> BigInt,
        note -> Text,
    }
}

diesel::table! {
    policy_bindings (policy, kind, target, detail) {
        policy -> Text,
        kind -> Text,
        target -> Text,
        detail -> Text,
        principal -> Text,
        bound_at -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(policies, policy_revisions);
