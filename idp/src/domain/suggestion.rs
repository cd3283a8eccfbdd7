//! "Did you mean …?"

/// The candidate nearest to a name that nobody knows, if one is near enough to be a slip of the pen.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (name.chars().count() / 4).clamp(2, 4);
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|&(distance, candidate)| distance <= allowed && distance < candidate.len() / 2)
        .min()
        .map(|(_, candidate)| candidate)
}
