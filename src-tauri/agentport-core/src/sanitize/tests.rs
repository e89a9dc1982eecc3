use proptest::prelude::*;

use crate::sanitize::*;

fn check(input: &str, want: &str) {
    assert_eq!(sanitize_line(input, 1000), want, "clean {input:?}");
    assert_eq!(sanitize_lines(input, 1000), want, "sanitize_lines {input:?}");
}

#[test]
fn plain_text_stays() {
    for text in ["", "Write file", "Grüße, Ελλάδα, שלום, 你好", "a < b && c > \"d\"", "🙂"]
    {
        check(text, text);
    }
}

#[test]
fn strips_what_cannot_be_seen() {
    for (input, want) in [
        ("a\u{0}b\u{7}c\u{7f}", "abc"),
        ("pay \u{202e}gro.evil\u{202c} now", "pay gro.evil now"),
        ("\u{2066}a\u{2067}b\u{2068}c\u{2069}\u{200e}d\u{200f}e\u{61c}f", "abcdef"),
        ("z\u{200b}e\u{200c}r\u{200d}o\u{2060}\u{feff}", "zero"),
        ("soft\u{ad}hyphen\u{34f}", "softhyphen"),
        ("tag\u{e0001}\u{e0041}\u{e007f}\u{e0100}s\u{fe0f}", "tags"),
        ("note\u{1d173}s\u{fff9}", "notes"),
    ] {
        check(input, want);
    }
}

#[test]
fn strips_escape_sequences() {
    for (input, want) in [
        ("\u{1b}[31mred\u{1b}[0m", "red"),
        ("\u{9b}1;31mred\u{9b}m", "red"),
        ("a\u{1b}[2J\u{1b}[1;1Hb", "ab"),
        ("\u{1b}]8;;https://evil.example\u{7}text\u{1b}]8;;\u{1b}\\", "text"),
        ("\u{9d}0;title\u{9c}text", "text"),
        ("\u{1b}(Bplain\u{1b}cx\u{1b}7y", "plainxy"),
        ("end\u{1b}", "end"),
        ("end\u{1b}[", "end"),
        ("end\u{1b}[12", "end"),
        ("\u{1b}é", "é"),
    ] {
        check(input, want);
    }
}

#[test]
fn a_control_string_cannot_hide_text() {
    check("see \u{1b}]all of this", "see all of this");
    let long = "x".repeat(MAX_CONTROL_STRING + 1);
    check(&format!("\u{1b}]{long}\u{7}"), &long);
}

#[test]
fn collapses_blanks() {
    assert_eq!(
        sanitize_line("  a \t\n\r\n b\u{a0}\u{3000}c\u{3164}\u{2800}d\u{2028} ", 100),
        "a b c d"
    );
    assert_eq!(sanitize_line(" \n ", 100), "");
}

#[test]
fn a_line_break_is_never_a_blank_where_it_counts() {
    for (input, want) in [
        ("ls\nrm -rf .", "ls⏎rm -rf ."),
        ("a\r\nb\rc\u{2028}d\u{85}e", "a⏎b⏎c⏎d⏎e"),
        ("a \n\n b\n", "a⏎⏎ b⏎"),
        ("a\tb", "a b"),
    ] {
        assert_eq!(sanitize_marking_lines(input, 100), want, "{input:?}");
    }
    assert_eq!(sanitize_marking_lines("a\nb", 2), "a…");
}

#[test]
fn keeps_lines_but_not_walls_of_them() {
    for (input, want) in [
        ("a\nb", "a\nb"),
        ("a\r\nb\rc\u{2028}d", "a\nb\nc\nd"),
        ("  a  \n\t b  c ", "a\nb c"),
        ("\n\na\n\n\n\n\nb\n\n", "a\n\nb"),
        ("a\r\n\r\nb", "a\n\nb"),
    ] {
        assert_eq!(sanitize_lines(input, 100), want, "{input:?}");
    }
}

#[test]
fn cuts_between_characters() {
    for (input, max, want) in [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "abcd…"),
        ("äöüäöü", 4, "äöü…"),
        ("abc def", 5, "abc…"),
        ("abc   ", 3, "abc"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
        ("", 0, ""),
        ("abc\u{200b}\u{200b}", 3, "abc"),
    ] {
        assert_eq!(sanitize_line(input, max), want, "{input:?} to {max}");
    }
    assert_eq!(sanitize_lines("ab\n\ncd", 4), "ab…");
    assert_eq!(sanitize_line("abc", usize::MAX), "abc");
}

#[test]
fn groups_thousands() {
    for (number, want) in [
        (0, "0"),
        (12, "12"),
        (999, "999"),
        (1000, "1,000"),
        (2310, "2,310"),
        (1_234_567, "1,234,567"),
    ] {
        assert_eq!(grouped(number), want);
    }
}

/// Text with more of what matters here than chance would give.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        "[a-z ]{1,5}",
        proptest::sample::select(vec![
            "\u{1b}",
            "\u{1b}[",
            "\u{1b}]",
            "\u{7}",
            "\u{9b}",
            "\\",
            "\n",
            "\r",
            "\u{202e}",
            "\u{e0041}",
            "\u{200d}",
            "…",
            "m",
            "\u{3164}",
        ])
        .prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn promises_hold(text in nasty(), max in 0usize..50) {
        for mode in [LineBreaks::Blank, LineBreaks::Keep, LineBreaks::Mark] {
            let once = cleaned(&text, max, mode);
            let keep = mode == LineBreaks::Keep;
            prop_assert!(once.chars().count() <= max);
            for c in once.chars().filter(|c| !(keep && *c == '\n')) {
                prop_assert!(!c.is_control() && !invisible(c), "{c:?} in {once:?}");
                prop_assert!(c == ' ' || !c.is_whitespace(), "{c:?} in {once:?}");
            }
            prop_assert!(!once.contains("  ") && !once.contains("\n\n\n"), "{once:?}");
            prop_assert_eq!(once.trim(), &once);
            prop_assert_eq!(cleaned(&once, max, mode), once);
        }
    }
}
