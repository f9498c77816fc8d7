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
