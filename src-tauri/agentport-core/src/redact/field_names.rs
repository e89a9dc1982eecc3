//! Does the name of a field say that its value is a secret?

/// Anywhere in a name, as a word of its own or run together with others (`dbPassword`, `PGPASSWORD`, `x-api-key`).
const TELLING: [&str; 28] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "passwort",
    "kennwort",
    "motdepasse",
    "contraseña",
    "apikey",
    "privatekey",
    "secretkey",
    "accesskey",
    "signingkey",
    "encryptionkey",
    "masterkey",
    "sessionkey",
    "sshkey",
    "authkey",
    "authorization",
    "credential",
    "sessionid",
    "securitycode",
    "verificationcode",
    "recoverycode",
    "seedphrase",
    "cardnumber",
    "amzsignature",
    "googsignature",
];
/// As a word anywhere in the name.
const WORDS: [&str; 8] =
    ["secret", "secrets", "token", "tokens", "cookie", "cookies", "mnemonic", "jwt"];
/// As the last word only, since they mean other things elsewhere (`pass_through`, `pin_to_top`, `auth_url`).
const LAST_WORDS: [&str; 13] = [
    "auth", "bearer", "creds", "cvc", "cvv", "otp", "pass", "pat", "pin", "pw", "pwd", "sig", "ssn",
];
/// At the end of a name written in one word (`GITHUBTOKEN`).
const ENDINGS: [&str; 3] = ["secret", "token", "cookie"];
/// A name that ends so speaks about a secret and holds none (`token_type`, `password_length`, `token_env_var`).
const HARMLESS: [&str; 11] = [
    "count", "counts", "length", "limit", "limits", "name", "names", "type", "types", "var",
    "variable",
];

/// Does `name` say that its value is a secret? In any case, with `-`, `_`, `.` or camel case between the words.
pub fn names_a_secret(name: &str) -> bool {
    let spaced = with_spaces(name);
    // A number at the end of a word counts things (`password2`).
    let mut words =
        spaced.split(' ').map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()));
    let Some(last) = words.clone().rfind(|word| !word.is_empty()) else { return false };
    if HARMLESS.contains(&last) {
        return false;
    }
    let compact: String = spaced.chars().filter(|c| *c != ' ').collect();
    LAST_WORDS.contains(&last)
        || words.any(|word| WORDS.contains(&word) || ENDINGS.iter().any(|end| word.ends_with(end)))
        || TELLING.iter().any(|telling| compact.contains(telling))
        || ENDINGS.iter().any(|end| compact.ends_with(end))
}

/// Says by its name that it counts tokens: `max_tokens` and the like are numbers and no secrets.
pub(crate) fn counts_tokens(name: &str) -> bool {
    with_spaces(name).split(' ').any(|word| word == "tokens" || word == "max" || word == "min")
}

/// Lower case, one space for every separator and before every hump of camel case.
fn with_spaces(name: &str) -> String {
    let mut spaced = String::with_capacity(name.len() + 4);
    let mut before: Option<char> = None;
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        if !c.is_alphanumeric() {
            spaced.push(' ');
        } else {
            let after_lower = before.is_some_and(|b| b.is_lowercase() || b.is_numeric());
            let ends_acronym = before.is_some_and(char::is_uppercase)
                && chars.peek().is_some_and(|next| next.is_lowercase());
            if c.is_uppercase() && (after_lower || ends_acronym) {
                spaced.push(' ');
            }
            spaced.extend(c.to_lowercase());
        }
        before = Some(c);
    }
    spaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_name() {
        for name in [
            "password",
            "Password",
            "PASSWORD",
            "db_password",
            "dbPassword",
            "PGPASSWORD",
            "password2",
            "new-password",
            "passwordConfirm",
            "passphrase",
            "pwd",
            "pass",
            "user_pass",
            "--password",
            "secret",
            "clientSecret",
            "client_secret",
            "CLIENT-SECRET",
            "secret_value",
            "secrets",
            "token",
            "access_token",
            "accessToken",
            "ACCESS_TOKEN",
            "accesstoken",
            "GITHUBTOKEN",
            "githubToken",
            "tokens",
            "oauth2_token",
            "token1",
            "api_key",
            "apiKey",
            "API-KEY",
            "APIKey",
            "x-api-key",
            "apikey",
            "openai.api.key",
            "authorization",
            "Authorization",
            "proxy-authorization",
            "auth",
            "basicAuth",
            "cookie",
            "Set-Cookie",
            "private_key",
            "privateKey",
            "sshPrivateKey",
            "access_key_id",
            "credentials",
            "awsCredentials",
            "creds",
            "jwt",
            "otp",
            "pin",
            "cvv",
            "ssn",
            "bearer",
            "sessionId",
            "X-Amz-Signature",
            "card_number",
        ] {
            assert!(names_a_secret(name), "{name}");
        }
    }

    #[test]
    fn other_names_are_not() {
        for name in [
            "",
            "_",
            "42",
            "path",
            "content",
            "query",
            "author",
            "authority",
            "auth_url",
            "auth_type",
            "token_type",
            "tokenCount",
            "password_length",
            "secret_name",
            "secretary",
            "tokenize",
            "tokenizer",
            "pass_through",
            "compass",
            "bypass_cache",
            "pin_to_top",
            "spin",
            "pattern",
            "key",
            "keys",
            "keyboard",
            "monkey",
            "public_key",
            "sort_key",
            "signature",
            "session",
            "cookies_count",
            "bearer_token_env_var",
            "passwordVariable",
        ] {
            assert!(!names_a_secret(name), "{name}");
        }
    }
}
