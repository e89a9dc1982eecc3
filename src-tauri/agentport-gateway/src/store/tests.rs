//! The small tables, and what holds for all of them.

use agentport_api::Settings;
use agentport_core::{Timestamp, tool::DefinitionDigest};

use super::{NoteRow, testing::store};

#[tokio::test]
async fn settings_are_at_their_default_until_set() {
    let store = store().await;
    assert_eq!(store.settings().await.unwrap(), Settings::default());
    let other = Settings { approval_expiry_minutes: 3, ..Settings::default() };
    store.put_settings(&other).await.unwrap();
    assert_eq!(store.settings().await.unwrap(), other);
}

#[tokio::test]
async fn settings_of_an_earlier_version_get_the_new_defaults() {
    let store = store().await;
    store.put_value("owner.settings", r#"{"pending_per_agent": 9}"#).await.unwrap();
    let settings = store.settings().await.unwrap();
    assert_eq!(settings, Settings { pending_per_agent: 9, ..Settings::default() });
}

#[tokio::test]
async fn unreadable_settings_are_corrupt() {
    let store = store().await;
    store.put_value("owner.settings", "{").await.unwrap();
    let error = store.settings().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "row owner.settings of the table settings is corrupt: not the JSON that belongs there"
    );
}

#[tokio::test]
async fn values_come_and_go() {
    let store = store().await;
    assert_eq!(store.value("k").await.unwrap(), None);
    store.put_value("k", "1").await.unwrap();
    store.put_value("k", "2").await.unwrap();
    assert_eq!(store.value("k").await.unwrap().as_deref(), Some("2"));
    assert!(store.delete_value("k").await.unwrap());
    assert!(!store.delete_value("k").await.unwrap());
}

#[tokio::test]
async fn notes_keep_their_numbers() {
    let store = store().await;
    let first = store.add_note("one", Timestamp(1)).await.unwrap();
    let second = store.add_note("two", Timestamp(2)).await.unwrap();
    assert_eq!(store.notes().await.unwrap(), [first.clone(), second.clone()]);
    assert_eq!(store.note(first.id).await.unwrap(), Some(first));
    assert!(store.delete_note(second.id).await.unwrap());
    assert!(!store.delete_note(second.id).await.unwrap());
    assert_eq!(store.note(second.id).await.unwrap(), None);
    let third = store.add_note("three", Timestamp(3)).await.unwrap();
    assert_eq!(
        third,
        NoteRow { id: second.id + 1, text: "three".into(), created_at: Timestamp(3) }
    );
}

#[tokio::test]
async fn definitions_are_kept_as_first_seen() {
    let store = store().await;
    let many: Vec<_> = (0..2_500_u32)
        .map(|n| {
            let mut digest = [0; 32];
            digest[..4].copy_from_slice(&n.to_be_bytes());
            (DefinitionDigest(digest), n.to_string())
        })
        .collect();
    store.put_definitions(&many, Timestamp(1)).await.unwrap();
    store.put_definitions(&[(many[0].0, "other".into())], Timestamp(2)).await.unwrap();
    store.put_definitions(&[], Timestamp(2)).await.unwrap();
    assert_eq!(store.definition(many[0].0).await.unwrap().as_deref(), Some("0"));
    assert_eq!(store.definition(many[2_499].0).await.unwrap().as_deref(), Some("2499"));
    assert_eq!(store.definition(DefinitionDigest([9; 32])).await.unwrap(), None);
}

#[tokio::test]
async fn readers_cannot_write() {
    let store = store().await;
    let refused = sqlx::query("DELETE FROM settings").execute(store.readers()).await;
    assert!(refused.unwrap_err().to_string().contains("readonly"));
}

#[tokio::test]
async fn what_is_not_committed_is_not_there() {
    let store = store().await;
    let mut transaction = store.transaction().await.unwrap();
    sqlx::query("INSERT INTO settings VALUES ('k', '1')").execute(&mut *transaction).await.unwrap();
    assert_eq!(store.value("k").await.unwrap(), None, "readers do not wait");
    drop(transaction);
    store.put_value("other", "1").await.unwrap();
    assert_eq!(store.value("k").await.unwrap(), None);
}
