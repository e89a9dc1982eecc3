use super::{testing::request, *};

#[test]
fn the_same_request_is_one() {
    let consents = Consents::default();
    let (one, asked) = consents.find_or_add(request("a", "1"), Timestamp(0)).unwrap();
    assert_eq!(asked, Asked::Now);
    // The client got its first token meanwhile.
    let mut again = request("a", "1");
    again.client.used_at = Some(Timestamp(1));
    let (again, asked) = consents.find_or_add(again, Timestamp(1)).unwrap();
    assert_eq!((asked, one.id), (Asked::Before, again.id));
    let (other, asked) = consents.find_or_add(request("a", "2"), Timestamp(2)).unwrap();
    assert_eq!(asked, Asked::Now);
    assert_ne!(one.id, other.id);
}

#[test]
fn a_client_s_oldest_request_makes_room_and_is_gone() {
    let consents = Consents::default();
    let add = |state: &str| consents.find_or_add(request("a", state), Timestamp(0)).unwrap().0;
    let all = ["1", "2", "3", "4"].map(add);
    assert_eq!(all[0].phase(Timestamp(0)), ConsentPhase::Expired);
    assert!(all[1..].iter().all(|one| one.waits(Timestamp(0))));
    assert_eq!(consents.all(Timestamp(0)).len(), MAX_WAITING_PER_CLIENT);
}

/// What comes from outside under the same client id takes no place of the owner's own.
#[test]
fn requests_from_outside_displace_none_from_this_computer() {
    let consents = Consents::default();
    let (near, _) = consents.find_or_add(request("a", "near"), Timestamp(0)).unwrap();
    for state in ["1", "2", "3", "4"] {
        let far = AuthorizationRequest { audience: Audience::External, ..request("a", state) };
        consents.find_or_add(far, Timestamp(0)).unwrap();
    }
    assert!(near.waits(Timestamp(0)));
}

#[test]
fn no_more_wait_than_the_owner_can_read() {
    let consents = Consents::default();
    for client in 0..MAX_WAITING {
        consents.find_or_add(request(&client.to_string(), "1"), Timestamp(0)).unwrap();
    }
    let more = consents.find_or_add(request("more", "1"), Timestamp(0));
    assert_eq!(more.err(), Some(NotAsked::TooMany));
    let later = Timestamp(0).plus(LIFETIME);
    assert!(consents.find_or_add(request("more", "1"), later).is_ok(), "the others expired");
}

#[test]
fn new_requests_come_no_faster_than_they_can_be_shown() {
    let consents = Consents::default();
    let add = |state: u32| consents.find_or_add(request("a", &state.to_string()), Timestamp(0));
    let refused = (0..100).filter(|state| add(*state).is_err()).count();
    assert!(refused >= 60, "{refused}");
}

#[test]
fn a_client_that_was_refused_three_times_is_not_asked_about_for_a_while() {
    let consents = Consents::default();
    for _ in 0..MAX_REFUSALS {
        consents.note_refusal(&request("a", "1"), Timestamp(0));
    }
    let barred = consents.find_or_add(request("a", "2"), Timestamp(1));
    assert_eq!(barred.err(), Some(NotAsked::Refused));
    assert!(consents.find_or_add(request("b", "1"), Timestamp(1)).is_ok());
    let later = Timestamp(0).plus(REFUSAL_MEMORY);
    assert!(consents.find_or_add(request("a", "2"), later).is_ok());
}

#[test]
fn a_request_waits_ten_minutes_and_is_forgotten_after_another() {
    let consents = Consents::default();
    let (one, _) = consents.find_or_add(request("a", "1"), Timestamp(0)).unwrap();
    let end = Timestamp(0).plus(LIFETIME);
    assert!(one.waits(Timestamp(end.0 - 1)));
    assert_eq!(one.phase(end), ConsentPhase::Expired);
    assert_eq!(consents.all(end).len(), 1);
    assert_eq!(consents.all(end.plus(REMEMBERED)).len(), 0);
}

#[test]
fn the_answer_holds_state_and_issuer() {
    assert_eq!(
        answer(&request("a", "s&1"), &[("code", "c")]),
        "http://localhost:5/cb?code=c&state=s%261&iss=http%3A%2F%2F127.0.0.1%3A4747"
    );
}
