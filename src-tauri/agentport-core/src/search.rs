//! Ranking of tools against a query.
//!
//! A search looks at every tool there is (5,000 within 5 ms), so nothing is allocated here: the owner of the tool list
//! keeps their texts lower-cased beside them, and the query is lower-cased once.

/// Between the words of names: `read_file`, `read-file`, `files.read`.
const SEPARATORS: [char; 6] = ['_', '-', '.', '/', ':', ' '];

/// How well a tool fits a query; higher is better, `None` if it does not fit at all.
///
/// Every white-space separated word of the query must occur in the name, the integration or the description. A word
/// counts for the best place it is found in, from best to worst: it is the name; the name begins with it; a word of
/// the name does; it is inside the name; it is in the integration; it is in the description. A query that is the
/// whole name, or its beginning, beats one whose words are merely all there. An empty query fits everything with 0.
///
/// `name`, `integration` (id and name, say) and `description` must be **lower-cased by the caller**, once, when the
/// catalogue is built; `query` should be too, and is lower-cased here (one allocation) if it is not.
pub fn rank(query: &str, name: &str, integration: &str, description: &str) -> Option<u32> {
    if query.chars().any(char::is_uppercase) {
        return rank_lower(&query.to_lowercase(), name, integration, description);
    }
    rank_lower(query, name, integration, description)
}

fn rank_lower(query: &str, name: &str, integration: &str, description: &str) -> Option<u32> {
    let mut score = 0;
    for word in query.split_whitespace() {
        score += of_word(word, name, integration, description)?;
    }
    Some(score + of_whole(query, name))
}

fn of_word(word: &str, name: &str, integration: &str, description: &str) -> Option<u32> {
    if let Some(at) = name.find(word) {
        return Some(match at {
            0 if name.len() == word.len() => 64,
            0 => 48,
            _ if name.split(SEPARATORS).any(|part| part.starts_with(word)) => 32,
            _ => 24,
        });
    }
    if integration.contains(word) {
        return Some(8);
    }
    description.contains(word).then_some(1)
}

/// What the query as a whole adds, its words compared with those of the name whatever separates them.
fn of_whole(query: &str, name: &str) -> u32 {
    let mut wanted = words(query).peekable();
    let mut had = words(name);
    if wanted.peek().is_none() {
        return 0;
    }
    while let Some(word) = wanted.next() {
        match had.next() {
            Some(part) if part == word => {}
            Some(part) if wanted.peek().is_none() && part.starts_with(word) => return 500,
            _ => return 0,
        }
    }
    if had.next().is_none() { 1000 } else { 500 }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(SEPARATORS).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank_of(query: &str, name: &str) -> Option<u32> {
        rank(query, name, "files", "reads the whole content of a document")
    }

    #[test]
    fn every_word_must_occur() {
        for (query, fits) in [
            ("", true),
            ("   ", true),
            ("read", true),
            ("READ File", true),
            ("file content", true),
            ("files document", true),
            ("read write", false),
            ("x", false),
            ("reads-the", false),
        ] {
            assert_eq!(rank_of(query, "read_file").is_some(), fits, "{query:?}");
        }
        assert_eq!(rank_of("", "read_file"), Some(0));
    }

    #[test]
    fn better_places_rank_higher() {
        let descending = [
            rank("read", "read", "x", ""),
            rank("read", "read_file", "x", ""),
            rank("read", "file_reader", "x", ""),
            rank("read", "thread", "x", ""),
            rank("read", "list", "readwise", ""),
            rank("read", "list", "x", "reads all"),
        ];
        assert!(descending.iter().all(Option::is_some));
        assert!(descending.is_sorted_by(|a, b| a > b), "{descending:?}");
    }

    #[test]
    fn the_whole_query_counts_most() {
        let descending = [
            rank_of("read file", "read_file"),
            rank_of("read file", "read_file_lines"),
            rank_of("read file", "file_read"),
            rank_of("read file", "thread_profile"),
        ];
        assert!(descending.iter().all(Option::is_some), "{descending:?}");
        assert!(descending.is_sorted_by(|a, b| a > b), "{descending:?}");
        assert!(rank_of("read_fi", "read_file") > rank_of("file", "read_file"));
    }
}
