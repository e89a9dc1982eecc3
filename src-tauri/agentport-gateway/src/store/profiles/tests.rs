use agentport_core::{
    Timestamp,
    profile::{ListMode, Naming, Profile},
};

use crate::store::{
    Transition,
    testing::{integration, store},
};

fn profile(name: &str) -> Profile {
    Profile {
        name: name.into(),
        integrations: None,
        tags: vec![],
        hidden_tools: vec![],
        mode: ListMode::Meta,
        naming: Naming::Prefixed,
    }
}

#[tokio::test]
async fn comes_back_as_it_was_stored_last() {
    let store = store().await;
    let full = Profile {
        integrations: Some(vec![integration("files"), integration("mail")]),
        tags: vec!["work".into()],
        hidden_tools: vec!["files/write_*".into()],
        mode: ListMode::Direct,
        naming: Naming::Bare,
        ..profile("full")
    };
    store.put_profile(&profile("full")).await.unwrap();
    store.put_profile(&full).await.unwrap();
    store.put_profile(&profile("all")).await.unwrap();
    assert_eq!(store.profiles().await.unwrap(), [profile("all"), full]);
}

#[tokio::test]
async fn stays_while_an_agent_uses_it() {
    let store = store().await;
    store.put_profile(&profile("p")).await.unwrap();
    let agent = store.add_agent("a").await;
    assert!(store.set_agent_profile(agent, Some("p")).await.unwrap().is_applied());
    assert_eq!(store.delete_profile("p").await.unwrap(), Transition::LostRace);

    assert!(store.revoke_agent(agent, Timestamp(1)).await.unwrap().is_applied());
    assert_eq!(store.delete_profile("p").await.unwrap(), Transition::Applied);
    assert_eq!(store.delete_profile("p").await.unwrap(), Transition::LostRace);
}

#[tokio::test]
async fn an_unknown_word_is_corrupt() {
    let store = store().await;
    store.put_profile(&profile("p")).await.unwrap();
    store.tamper("UPDATE profiles SET mode = 'everything'").await;
    let error = store.profiles().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "row p of the table profiles is corrupt: mode: unknown word \"everything\""
    );
}
