//! One-time codes as authenticator apps make them: RFC 6238 with SHA-1, six digits and steps of 30 seconds, which is
//! all that most of them support. A code of the step before or after is accepted too, since clocks differ.

use agentport_core::Timestamp;
use qrcode::{Color, QrCode};
use totp_rs::{Algorithm, Builder, Totp};

/// As long as the hash, as RFC 4226 §4 recommends.
const SECRET_BYTES: usize = 20;

pub(super) fn new_secret() -> [u8; SECRET_BYTES] {
    rand::random()
}

/// `None`: this is no secret of ours.
pub(super) fn totp(secret: &[u8]) -> Option<Totp> {
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(1)
        .with_step_duration(30)
        .with_issuer(Some("AgentPort"))
        .with_account_name("owner")
        .with_secret(secret)
        .build()
        .ok()
}

/// The time step whose code this is, if it is the present one or a neighbour.
pub(super) fn step(totp: &Totp, code: &str, now: Timestamp) -> Option<u64> {
    totp.check(code, u64::try_from(now.0).ok()? / 1_000)
}

/// The rows of a QR code: `1` for dark, `0` for light. Empty for a text too long for one.
pub(super) fn qr(text: &str) -> Vec<String> {
    let Ok(code) = QrCode::new(text) else { return Vec::new() };
    let digit = |color: &Color| if *color == Color::Dark { '1' } else { '0' };
    code.to_colors().chunks(code.width()).map(|row| row.iter().map(digit).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_rfc() {
        // RFC 6238, appendix B, whose codes have eight digits; ours are the last six.
        let totp = totp(b"12345678901234567890").unwrap();
        for (second, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let at = |second: i64| step(&totp, code, Timestamp(second * 1_000));
            let expected = Some(u64::try_from(second).unwrap() / 30);
            assert_eq!(at(second), expected);
            assert_eq!(at(second - 30), expected, "one step early");
            assert_eq!(at(second + 30), expected, "one step late");
            assert_eq!(at(second + 60), None);
            assert_eq!(at(second - 60), None);
        }
        for odd in ["", "28708", "2870820", "+87082", "28708a", "２８７０８２"] {
            assert_eq!(step(&totp, odd, Timestamp(59_000)), None, "{odd}");
        }
    }

    #[test]
    fn invalid_secrets_make_no_codes() {
        assert!(totp(b"short").is_none() && totp(b"").is_none());
    }

    #[test]
    fn qr_codes_are_square_and_framed() {
        let uri = totp(&new_secret()).unwrap().to_url().unwrap();
        let rows = qr(&uri);
        assert!(rows.len() >= 21 && rows.iter().all(|row| row.len() == rows.len()), "{rows:?}");
        // The finder pattern in the corner.
        assert!(rows[0].starts_with("11111110") && rows[1].starts_with("10000010"));
        assert!(rows.iter().all(|row| row.bytes().all(|b| b == b'0' || b == b'1')));
        assert!(qr(&"x".repeat(5_000)).is_empty());
    }
}
