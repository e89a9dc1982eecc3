//! Replaces values that differ between runs by stable names.

use agentport_tests::gateway::Place;

pub(super) struct Masks(Vec<(String, &'static str)>);

impl Masks {
    /// The places of this run, and `numbers` of its gateway.
    pub(super) fn new(place: &Place, numbers: &[(u32, &'static str)]) -> Self {
        let places = [
            (place.password_file(), "OWNER"),
            (place.files(), "FILES"),
            (place.user(), "HOME"),
            (place.home(), "DATA"),
        ];
        let places = places.map(|(path, name)| (path.display().to_string(), name));
        let numbers = numbers.iter().map(|(number, name)| (number.to_string(), *name));
        Self(places.into_iter().chain(numbers).collect())
    }

    pub(super) fn mask(&self, text: &str) -> String {
        // A terminal ends its lines with both.
        let mut text = text.replace('\r', "").replace('\u{1b}', "␛");
        for (own, name) in &self.0 {
            text = text.replace(own, name);
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(next) = rest.chars().next() {
            let (length, name) = known(rest).unwrap_or((0, ""));
            if length > 0 {
                out.push_str(name);
                rest = &rest[length..];
            } else {
                out.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
        out
    }
}

/// Does `text` begin with what differs? Its length in bytes, and its name.
fn known(text: &str) -> Option<(usize, &'static str)> {
    const UUID: &str = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    const TIME: &str = "0000-00-00T00:00:00";
    if begins(text, UUID) {
        return Some((UUID.len(), "ID"));
    }
    if begins(text, TIME) {
        let end = text.find('Z')?;
        return Some((end + 1, "TIME"));
    }
    for moment in ["just now", "0 s ago", "00 s ago"] {
        if begins(text, moment) {
            return Some((moment.len(), "WHEN"));
        }
    }
    let secret = text.strip_prefix("ap_")?;
    let length = secret.find(|c: char| !c.is_ascii_alphanumeric() && !"_-".contains(c));
    let length = length.unwrap_or(secret.len());
    (length >= 8).then_some(("ap_".len() + length, "ap_KEY"))
}

/// `x` stands for a hexadecimal digit, `0` for a decimal one, all else for itself.
fn begins(text: &str, pattern: &str) -> bool {
    let mut text = text.chars();
    pattern.chars().all(|wanted| {
        text.next().is_some_and(|c| match wanted {
            'x' => c.is_ascii_hexdigit(),
            '0' => c.is_ascii_digit(),
            _ => c == wanted,
        })
    })
}

#[test]
fn only_differences_are_masked() {
    let masks = Masks(vec![("/tmp/x".to_owned(), "HOME")]);
    for (text, masked) in [
        ("/tmp/x/a 01920000-0000-7000-8000-000000000000", "HOME/a ID"),
        ("2026-11-20T18:29:15.219Z, 2026", "TIME, 2026"),
        ("ap_AEAh_qwZi… is not ap_…", "ap_KEY… is not ap_…"),
        ("just now, 7 s ago, 12 s ago, 7 s", "WHEN, WHEN, WHEN, 7 s"),
        ("\u{1b}[1ma\u{1b}[0m\r\n", "␛[1ma␛[0m\n"),
    ] {
        assert_eq!(masks.mask(text), masked);
    }
}
