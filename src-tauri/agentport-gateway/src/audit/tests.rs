use agentport_api::AuditVerdict;
use agentport_core::audit::{Actor, AuditAction};
use serde_json::json;

use super::Audit;
use crate::store::testing::{TestStore, store};

const KEY: [u8; 32] = [5; 32];

async fn audit_of(rows: u32) -> (TestStore, Audit) {
    let store = store().await;
    let audit = Audit::open(store.store.clone(), KEY);
    for n in 1..=rows {
        audit
            .append(Actor::Owner, AuditAction::PolicySet, &format!("tool {n}"), json!({ "n": n }))
            .await
            .unwrap();
    }
    (store, audit)
}

fn broken(seq: i64, what: &str) -> AuditVerdict {
    AuditVerdict::Broken { seq, what: what.to_owned() }
}

#[tokio::test]
async fn what_is_recorded_is_listed_and_intact() {
    let (_store, audit) = audit_of(0).await;
    assert_eq!(audit.verify().await.unwrap(), AuditVerdict::Intact { rows: 0 });
    let (_store, audit) = audit_of(3).await;
    assert_eq!(audit.verify().await.unwrap(), AuditVerdict::Intact { rows: 3 });

    let export = audit.export().await.unwrap();
    let seqs: Vec<_> = export.iter().map(|row| row.seq).collect();
    assert_eq!(seqs, [1, 2, 3]);
    let first = &export[0];
    assert_eq!(
        (&*first.actor, &*first.action, &*first.subject, &first.detail, first.mac.len()),
        ("owner", "policy.set", "tool 1", &json!({"n": 1}), 64)
    );
    let page = |limit, before| {
        let audit = audit.clone();
        async move {
            let rows = audit.list(limit, before).await.unwrap();
            rows.into_iter().map(|row| row.seq).collect::<Vec<_>>()
        }
    };
    assert_eq!(page(2, None).await, [3, 2]);
    assert_eq!(page(2, Some(2)).await, [1]);
}

#[tokio::test]
async fn is_verified_over_many_pages() {
    let (_store, audit) = audit_of(2_005).await;
    assert_eq!(audit.verify().await.unwrap(), AuditVerdict::Intact { rows: 2_005 });
}

#[tokio::test]
async fn every_tampering_is_found() {
    const CHANGED: &str = "row 2 was changed, moved or put in";
    for (tampering, verdict) in [
        ("UPDATE audit SET actor = 'system' WHERE seq = 2", broken(2, CHANGED)),
        ("UPDATE audit SET action = 'policy.get' WHERE seq = 2", broken(2, CHANGED)),
        ("UPDATE audit SET subject = 'tool 9' WHERE seq = 2", broken(2, CHANGED)),
        ("UPDATE audit SET detail = '{\"n\": 2}' WHERE seq = 2", broken(2, CHANGED)),
        ("UPDATE audit SET at = at + 1 WHERE seq = 2", broken(2, CHANGED)),
        ("UPDATE audit SET mac = zeroblob(32) WHERE seq = 2", broken(2, CHANGED)),
        // A character moved from one field to the next.
        (
            "UPDATE audit SET action = action || 't', subject = substr(subject, 2) WHERE seq = 2",
            broken(2, CHANGED),
        ),
        (
            "UPDATE audit SET seq = seq - 2 WHERE seq IN (1, 2)",
            broken(-1, "row -1 was changed, moved or put in"),
        ),
        ("DELETE FROM audit WHERE seq = 2", broken(2, "row 2 is missing")),
        ("DELETE FROM audit WHERE seq = 1", broken(1, "row 1 is missing")),
        ("DELETE FROM audit WHERE seq = 4", broken(4, "rows are missing at the end")),
        ("DELETE FROM audit", broken(1, "rows are missing at the end")),
        (
            "DELETE FROM settings WHERE key = 'audit.head'",
            broken(5, "the record of where the audit ends is missing"),
        ),
        (
            "UPDATE settings SET value = '3' || substr(value, 2) WHERE key = 'audit.head'",
            broken(5, "the record of where the audit ends was changed"),
        ),
        (
            "INSERT INTO audit SELECT 5, at, actor, action, subject, detail, mac FROM audit WHERE seq = 4",
            broken(5, "row 5 was changed, moved or put in"),
        ),
    ] {
        let (store, audit) = audit_of(4).await;
        store.tamper(tampering).await;
        assert_eq!(audit.verify().await.unwrap(), verdict, "{tampering}");
    }
}

#[tokio::test]
async fn two_rows_in_each_others_place_are_found() {
    let (store, audit) = audit_of(4).await;
    for step in [
        "UPDATE audit SET seq = 100 WHERE seq = 2",
        "UPDATE audit SET seq = 2 WHERE seq = 3",
        "UPDATE audit SET seq = 3 WHERE seq = 100",
    ] {
        store.tamper(step).await;
    }
    assert_eq!(audit.verify().await.unwrap(), broken(2, "row 2 was changed, moved or put in"));
}

#[tokio::test]
async fn later_rows_do_not_hide_a_cut() {
    for cut in ["DELETE FROM audit WHERE seq = 4", "DELETE FROM settings WHERE key = 'audit.head'"]
    {
        let (store, audit) = audit_of(4).await;
        store.tamper(cut).await;
        for _ in 0..3 {
            audit.append(Actor::Owner, AuditAction::LoginSucceeded, "", json!(null)).await.unwrap();
        }
        let verdict = audit.verify().await.unwrap();
        assert!(matches!(verdict, AuditVerdict::Broken { seq: 4 | 5, .. }), "{cut}: {verdict:?}");
        assert!(audit.export().await.unwrap().len() >= 6, "nothing that happened is lost");
    }
}

#[tokio::test]
async fn a_row_put_in_does_not_stop_the_audit() {
    let (store, audit) = audit_of(1).await;
    store
        .tamper("INSERT INTO audit SELECT 2, at, actor, action, subject, detail, mac FROM audit")
        .await;
    audit.append(Actor::Owner, AuditAction::LoginSucceeded, "", json!(null)).await.unwrap();
    assert_eq!(audit.verify().await.unwrap(), broken(2, "row 2 was changed, moved or put in"));
}

#[tokio::test]
async fn another_key_finds_everything_changed() {
    let (store, _audit) = audit_of(2).await;
    let other = Audit::open(store.store.clone(), [6; 32]);
    let verdict = other.verify().await.unwrap();
    assert_eq!(verdict, broken(1, "row 1 was changed, moved or put in"));
}

#[tokio::test]
async fn two_at_once_are_two_rows() {
    let (_store, audit) = audit_of(0).await;
    let record = |n: u32| {
        let audit = audit.clone();
        async move {
            audit
                .append(Actor::Owner, AuditAction::LoginSucceeded, &n.to_string(), json!(null))
                .await
        }
    };
    let (a, b, c) = tokio::join!(record(1), record(2), record(3));
    a.and(b).and(c).unwrap();
    assert_eq!(audit.verify().await.unwrap(), AuditVerdict::Intact { rows: 3 });
}

#[tokio::test]
async fn rows_with_words_of_other_versions_are_listed_and_verified() {
    let (store, audit) = audit_of(0).await;
    // Chained as this version chains its own.
    let mut link = super::Link {
        seq: 1,
        at: agentport_core::Timestamp(1_000),
        actor: "gardener".into(),
        action: "garden.planted".into(),
        subject: "rows".into(),
        detail: "{}".into(),
        mac: [0; 32],
    };
    link.mac = audit.mac(&super::START.mac, &link);
    sqlx::query(
        "INSERT INTO audit (seq, at, actor, action, subject, detail, mac)
         VALUES (1, 1000, 'gardener', 'garden.planted', 'rows', '{}', ?)",
    )
    .bind(link.mac.as_slice())
    .execute(store.writer())
    .await
    .unwrap();
    let head = super::Head { seq: 1, mac: link.mac };
    store.put_value(super::HEAD, &audit.write_head(head)).await.unwrap();
    audit.append(Actor::System, AuditAction::ApprovalExpired, "", json!(null)).await.unwrap();

    assert_eq!(audit.verify().await.unwrap(), AuditVerdict::Intact { rows: 2 });
    let rows = audit.list(10, None).await.unwrap();
    let words: Vec<_> = rows.iter().map(|row| (&*row.actor, &*row.action)).collect();
    assert_eq!(words, [("system", "approval.expired"), ("gardener", "garden.planted")]);
}
